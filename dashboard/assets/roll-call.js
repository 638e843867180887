/* The roll-call follows the store; what is ticked stays ticked, in this browser. */
(function () {
  "use strict";

  const REFRESH_MS = 5000;
  const KEY = "footfall-roll-call";
  const list = document.getElementById("list");
  const lost = document.getElementById("lost");
  let ticked = new Set();

  try {
    ticked = new Set(JSON.parse(localStorage.getItem(KEY)) || []);
  } catch { /* storage is switched off: ticks last as long as the page */ }

  function keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify([...ticked]));
    } catch { /* as above */ }
  }

  function rows() {
    return [...list.querySelectorAll("tr[data-visit]")];
  }

  function show() {
    const boxes = rows().map((row) => {
      const box = row.querySelector("input");
      box.checked = ticked.has(row.dataset.visit);
      row.classList.toggle("ticked", box.checked);
      return [row, box];
    });
    const present = boxes.filter(([row]) => !row.classList.contains("left"));
    const missing = present.filter(([, box]) => !box.checked).length;
    const count = document.getElementById("ticked");
    if (count) count.textContent = present.length ? " · " + (present.length - missing) + " ticked, " + missing + " open" : "";
  }

  list.addEventListener("change", function (event) {
    const visit = event.target.closest("tr[data-visit]")?.dataset.visit;
    if (!visit) return;
    if (event.target.checked) ticked.add(visit);
    else ticked.delete(visit);
    keep();
    show();
  });

  document.getElementById("untick").addEventListener("click", function () {
    ticked.clear();
    keep();
    show();
  });
  document.getElementById("print").addEventListener("click", () => window.print());

  /* A reload lists who has left since the list was opened first, so that nobody disappears from it. */
  function pin() {
    const address = new URL(window.location.href);
    if (address.searchParams.has("since")) return;
    address.searchParams.set("since", list.dataset.since);
    window.history.replaceState({}, "", address.href);
  }

  function take(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("list");
    if (!fresh) return window.location.reload(); // the sign-in is over
    const focused = document.activeElement?.closest?.("tr[data-visit]")?.dataset.visit;
    list.replaceChildren(...fresh.childNodes);
    show();
    if (focused) rows().find((row) => row.dataset.visit === focused)?.querySelector("input").focus({ preventScroll: true });
  }

  async function refresh() {
    if (document.hidden) return;
    const patience = new AbortController();
    window.setTimeout(() => patience.abort(), REFRESH_MS);
    try {
      const response = await fetch(window.location.href, { signal: patience.signal });
      if (!response.ok) throw new Error(String(response.status));
      take(await response.text());
      lost.hidden = true;
    } catch {
      const at = document.getElementById("at");
      lost.textContent = "The dashboard does not answer. The list is as of " + (at ? at.textContent : "the last answer") + ".";
      lost.hidden = false;
    }
  }

  pin();
  show();
  window.setInterval(refresh, REFRESH_MS);
  document.addEventListener("visibilitychange", refresh);
})();
