/* Light or dark before the first paint: the choice that was kept, else the system's. */
try {
  const kept = localStorage.getItem("mantine-color-scheme-value");
  const dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";
} catch { /* storage is switched off: the system's preference applies */ }
