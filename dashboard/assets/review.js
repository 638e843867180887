/* The review: one card is current, keys and buttons answer it; several that are selected are answered together. */
(function () {
  "use strict";

  const KEYS = { y: ["yes", "known"], n: ["no", "name"], i: ["ignore"] };
  const FORMS = new Set(["known", "name"]);
  const PATIENCE_MS = 4000;
  const selected = new Set();
  const waiting = new Set();
  let current = { key: "", place: 0 };

  const list = () => document.getElementById("review-list");
  const cards = () => [...(list()?.querySelectorAll("[data-key]") || [])];
  const place = (all) => {
    const found = all.findIndex((card) => card.dataset.key === current.key);
    return found >= 0 ? found : Math.min(current.place, all.length - 1);
  };

  /* What the server knows nothing of: which card is current, which are selected, and how far one is. */
  function show() {
    const all = cards();
    const known = new Set(all.map((card) => card.dataset.key));
    for (const keys of [selected, waiting]) [...keys].filter((key) => !known.has(key)).forEach((key) => keys.delete(key));
    const at = place(all);
    all.forEach((card, index) => {
      set(card, "aria-current", index === at ? "true" : null);
      set(card, "aria-busy", waiting.has(card.dataset.key) ? "true" : null);
      set(card.querySelector("[role=checkbox]"), "aria-checked", String(selected.has(card.dataset.key)));
    });
    if (at >= 0) current = { key: all[at].dataset.key, place: at };
    write("review-place", all.length ? `${at + 1} of ${all.length}` : "");
    write("review-selected", selected.size ? `${selected.size} selected` : "");
    const bar = document.getElementById("review-several");
    if (bar && bar.hidden === selected.size > 0) bar.hidden = !selected.size;
  }

  function set(node, name, value) {
    if (!node || node.getAttribute(name) === value) return;
    if (value === null) node.removeAttribute(name);
    else node.setAttribute(name, value);
  }

  function write(id, text) {
    const node = document.getElementById(id);
    if (node && node.textContent !== text) node.textContent = text;
  }

  function wait(answered) {
    for (const { dataset } of answered) {
      waiting.add(dataset.key);
      window.setTimeout(() => waiting.delete(dataset.key) && show(), PATIENCE_MS);
    }
    show();
  }

  function clear() {
    selected.clear();
    show();
  }

  function select(card) {
    if (!selected.delete(card.dataset.key)) selected.add(card.dataset.key);
    show();
  }

  const inside = () => Boolean(document.activeElement?.closest("#review-list"));

  /* To another card; the first key leads to the current one. */
  function move(step) {
    const all = cards();
    const next = all[Math.min(Math.max(place(all) + (inside() ? step : 0), 0), all.length - 1)];
    if (next) turn(next);
  }

  function turn(card) {
    current = { key: card.dataset.key, place: cards().indexOf(card) };
    show();
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  /* The answer to these cards goes to the server; the time makes the same answer new when it is given again. A card
     is answered once until the list changes, also by a key that is pressed twice. */
  function ask(answer, asked) {
    const answered = asked.filter((card) => !waiting.has(card.dataset.key));
    if (!answered.length) return;
    if (!FORMS.has(answer)) wait(answered);
    window.dash_clientside.set_props("review-asked", {
      data: { answer, items: answered.map((card) => JSON.parse(card.dataset.item)), at: Date.now() },
    });
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest?.("#review-several button, #review-list :is([data-answer], [role=checkbox])");
    const card = event.target.closest?.("#review-list [data-key]");
    if (card && card.dataset.key !== current.key) {
      current = { key: card.dataset.key, place: cards().indexOf(card) };
      show();
    }
    if (!button) return;
    if (button.getAttribute("role") === "checkbox") select(card);
    else if (card) ask(button.dataset.answer, [card]);
    else if (button.dataset.answer === "clear") clear();
    else ask(button.dataset.answer, cards().filter((each) => selected.has(each.dataset.key)));
  });

  document.addEventListener("keydown", function (event) {
    const elsewhere = event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented;
    if (elsewhere || !cards().length || document.querySelector("[role=dialog]")) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const key = event.key.toLowerCase();
    const all = cards();
    if (key === "j" || (key === "arrowdown" && inside())) move(1);
    else if (key === "k" || (key === "arrowup" && inside())) move(-1);
    else if (key === "x") select(all[place(all)]);
    else if (KEYS[key]) {
      const chosen = selected.size ? all.filter((card) => selected.has(card.dataset.key)) : [all[place(all)]];
      const offered = (answer) => chosen.every((card) => card.querySelector(`[data-answer="${answer}"]`));
      const answer = KEYS[key].find(offered);
      if (answer) ask(answer, chosen);
    } else return;
    event.preventDefault();
  });

  const observer = new MutationObserver(show);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    review: {
      who: (who) => who,
      close: (clicks) => (clicks ? false : window.dash_clientside.no_update),

      /* The list has other cards, now or as soon as they are drawn. */
      watch: function () {
        observer.disconnect();
        if (list()) observer.observe(list(), { childList: true, subtree: true, attributeFilter: ["data-key"] });
        window.setTimeout(show);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
