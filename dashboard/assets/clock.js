/* Lengths of time that tick between two answers of the server, and a word when it stops answering. */
(function () {
  "use strict";

  const LOST_AFTER_MS = 5000;
  let serverAheadMs = 0;
  let answeredAt = Date.now();

  function text(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 60) return whole + " s";
    if (whole < 3600) return Math.floor(whole / 60) + " min";
    if (whole < 86400) {
      return Math.floor(whole / 3600) + " h " + String(Math.floor((whole % 3600) / 60)).padStart(2, "0") + " min";
    }
    return Math.floor(whole / 86400) + " d " + Math.floor((whole % 86400) / 3600) + " h";
  }

  function tick() {
    const now = Date.now();
    for (const element of document.querySelectorAll("[data-since-ms]")) {
      const words = text((now + serverAheadMs - Number(element.dataset.sinceMs)) / 1000);
      const node = element.firstChild;
      if (node && node.nodeValue !== words) node.nodeValue = words;
    }
    if (now - answeredAt > LOST_AFTER_MS) document.documentElement.dataset.connection = "lost";
    else delete document.documentElement.dataset.connection;
  }

  /* The server's own clock comes with every answer, so that a phone whose clock is wrong shows the right minutes. */
  window.footfall = Object.assign({}, window.footfall, { duration: text });

  /* Every request carries the token of this page. 401: the sign-in or the token is out of date, so the page is loaded
     again, which leads to the sign-in where one is needed; not twice in a row, in case that does not help. */
  const RELOADED = "footfall-reloaded-at";
  const token = document.querySelector('meta[name="csrf-token"]')?.content || "";

  function reload() {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < 10000) return;
    sessionStorage.setItem(RELOADED, String(Date.now()));
    window.location.reload();
  }

  const plainFetch = window.fetch;
  window.fetch = async function (resource, options) {
    const headers = new Headers(options?.headers || (resource instanceof Request ? resource.headers : undefined));
    headers.set("X-CSRF-Token", token);
    const response = await plainFetch.call(this, resource, { ...options, headers });
    if (response.ok) answeredAt = Date.now();
    if (response.status === 401) reload();
    const served = Number(response.headers.get("X-Footfall-Now-Ms"));
    if (served) serverAheadMs = served - Date.now();
    return response;
  };

  /* The server renders plots, so it is notified when the colour scheme changes, by the user or the system. */
  new MutationObserver(function () {
    if (window.dash_clientside && window.dash_clientside.set_props) {
      window.dash_clientside.set_props("colours", { data: document.documentElement.dataset.mantineColorScheme });
    }
  }).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });

  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) answeredAt = Date.now();
  });
  window.setInterval(tick, 1000);
})();
