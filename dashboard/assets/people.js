/* The page of people: its controls write the address, and follow it. */
(function () {
  "use strict";

  const USUAL = { q: "", who: "enrolled", group: "", sort: "name" };
  const CONTROLS = { search: "q", who: "who", group: "group", sort: "sort" };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    people: {
      /* What the controls say, written into the address; the first page of it. */
      change: function (text, who, group, sort, shown) {
        const { write, ask, current, isTheirs } = window.footfall;
        const unchanged = window.dash_clientside.no_update;
        if (!shown || shown.person || !isTheirs(shown)) return unchanged;
        const parameters = new URLSearchParams(window.location.search);
        const before = parameters.toString();
        const value = (name, given) => current("people-" + name, given, shown[name]);
        const values = { q: value("search", text || ""), who: value("who", who), group: value("group", group) };
        write(parameters, { ...values, sort: value("sort", sort) }, USUAL);
        ask(parameters, before, ["page"]);
        return unchanged;
      },

      /* The list or the profile of the address, once its answer is there; the controls follow the address. */
      restore: function (shown, now, text, who, group, sort) {
        const { arrived, set } = window.footfall;
        const unchanged = window.dash_clientside.no_update;
        if (!shown || shown.address !== (now || "")) return ["loading", "loading", unchanged, unchanged, unchanged];
        const values = { search: text || "", who, group, sort };
        for (const name of Object.keys(CONTROLS)) {
          if (values[name] !== shown[name]) set("people-" + name, shown[name], values[name]);
        }
        arrived();
        const opened = Boolean(shown.person);
        return ["", "", opened, !opened, opened ? unchanged : false];
      },
    },
  });
})();
