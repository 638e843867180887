/* The question before an action, the buttons that undo one, and a look for changes right after each. */
(function () {
  "use strict";

  function ask(question) {
    const same = window.dash_clientside.no_update;
    return question ? [true, question.title, question.text, question.yes] : [same, same, same, same];
  }

  function answer(yes, no, question) {
    const same = window.dash_clientside.no_update;
    if (!(yes || no) || !question) return [same, same];
    if (window.dash_clientside.callback_context.triggered_id !== "confirm-yes") return [false, same];
    return [false, { kind: question.kind, key: question.key, at: Date.now() }];
  }

  /* Ticking at once shows the change without waiting for the next second. */
  function look(_sent, ticks) {
    return (ticks || 0) + 1;
  }

  /* The drawer goes on with what became of its visit, whose id follows from its events, or closes. */
  function follow(moved) {
    const there = new URL(window.location.href);
    const visit = there.searchParams.get("visit");
    if (moved && visit && moved.from.includes(visit) && moved.to !== visit) {
      if (moved.to) there.searchParams.set("visit", moved.to);
      else there.searchParams.delete("visit");
      window.history.replaceState({}, "", there.href);
      window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    }
    return window.dash_clientside.no_update;
  }

  /* Buttons in notifications are no part of the layout, so they call no callback of their own. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-undo]");
    if (!button || button.disabled) return;
    button.disabled = true;
    window.dash_clientside.set_props("undo", { data: { audit_id: button.dataset.undo, at: Date.now() } });
  });

  /* Buttons of people and visits open the one dialog in which a visit is corrected. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-correct]");
    if (button) window.dash_clientside.set_props("visit-to-correct", { data: { visit: button.dataset.correct, at: Date.now() } });
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, { feedback: { ask, answer, look, follow } });
})();
