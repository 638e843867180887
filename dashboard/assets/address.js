/* The address of a page is its state: links and controls change it, pages follow it. */
(function () {
  "use strict";

  const USUAL = { q: "", who: "everybody", state: "any", sort: "-entered" };
  const USUAL_INSIDE = { q: "", show: "everybody", sort: "newest" };

  function go(address, { replace = false, stay = false } = {}) {
    const there = new URL(address, window.location.href);
    if (there.href === window.location.href) return;
    if (results(there) !== results(window.location)) waits();
    window.history[replace ? "replaceState" : "pushState"]({}, "", there.href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate")); // dcc.Location reads the address again
    if (!stay) window.scrollTo(0, 0);
  }

  /* What the results of an address depend on. */
  function results(address) {
    const parameters = new URLSearchParams(address.search);
    parameters.delete("visit");
    return address.pathname + "?" + parameters;
  }

  /* Results are hidden until those of the new address are there: Dash itself calls back only then. */
  function waits() {
    if (document.querySelector("[data-state]")) document.documentElement.dataset.pending = "";
  }

  function arrived() {
    delete document.documentElement.dataset.pending;
  }

  /* The address that controls wrote last, unless the reader has gone back or forward since. */
  let written = null;

  window.addEventListener("popstate", () => {
    written = null;
    waits();
  });

  /* Whether what controls hold is meant for this address: after a step back they still show another one. */
  function isTheirs(shown) {
    return shown.address === window.location.search || written === window.location.href;
  }

  function search(parameters) {
    const text = parameters.toString();
    return window.location.pathname + (text ? "?" + text : "");
  }

  /* The values of controls, written into parameters; usual ones are left out. */
  function write(parameters, values, usual) {
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === (parameters.get(name) ?? usual[name])) continue;
      if (value === usual[name]) parameters.delete(name);
      else parameters.set(name, value);
    }
  }

  /* The list that the parameters ask for, from its first page on; a search leaves no step for every letter. */
  function ask(parameters, before, left) {
    if (parameters.toString() === before) return;
    const typed = (parameters.get("q") || "") !== (new URLSearchParams(before).get("q") || "");
    left.forEach((name) => parameters.delete(name));
    go(search(parameters), { replace: typed, stay: true });
    written = window.location.href;
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest?.("a[data-go]");
    const elsewhere = event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    go(link.href, { stay: link.dataset.go === "stay" });
  });

  /* What controls hold until `set` takes effect, as JSON: callbacks run between two of them. */
  const former = new Map();

  /* After the callback that asks for it: Dash drops the result of one that sets properties itself. The page may have
     been left by then, and its controls with it. old: what the control holds now. */
  function set(control, value, old) {
    const there = window.location.href;
    former.set(control, JSON.stringify(old ?? null));
    window.setTimeout(() => {
      const goes = document.getElementById(control) && window.location.href === there;
      if (goes) window.dash_clientside.set_props(control, { value });
      else former.delete(control);
    });
  }

  /* The value of a control; `wanted` where `set` has yet to take effect, so that the old one is not taken for a choice. */
  function current(control, value, wanted) {
    if (former.get(control) === JSON.stringify(value ?? null)) return wanted;
    former.delete(control);
    return value;
  }

  function sameDays(one, other) {
    return Boolean(one && other) && one.every((day, place) => String(day).slice(0, 10) === String(other[place]).slice(0, 10));
  }

  function daysBetween(first, last) {
    return Math.round((Date.parse(last) - Date.parse(first)) / 86400000) + 1;
  }

  /* A range that ends today goes on into the next days; another one is kept as it is. */
  function writeDays(parameters, range, shown) {
    const [first, last] = range.map((day) => String(day).slice(0, 10));
    ["days", "from", "to"].forEach((name) => parameters.delete(name));
    if (last === shown.today) {
      const days = daysBetween(first, last);
      if (days !== shown.usualDays) parameters.set("days", days);
    } else {
      parameters.set("from", first);
      parameters.set("to", last);
    }
  }

  window.footfall = Object.assign({}, window.footfall, { write, ask, set, current, isTheirs, arrived }); // for the scripts of pages

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    address: {
      /* What the controls of the visits say, written into the address; the first page of it. */
      change: function (text, range, who, state, sort, shown) {
        const unchanged = window.dash_clientside.no_update;
        if (!shown || !isTheirs(shown)) return unchanged;
        const parameters = new URLSearchParams(window.location.search);
        const before = parameters.toString();
        const value = (name, given) => current("visits-" + name, given, shown[name]);
        const values = { q: value("search", text || ""), who: value("who", who), state: value("state", state) };
        write(parameters, { ...values, sort: value("sort", sort) }, USUAL);
        const days = current("visits-range", range, shown.range);
        if (days && days[0] && days[1] && !sameDays(days, shown.range)) writeDays(parameters, days, shown);
        ask(parameters, before, ["page", "visit"]);
        return unchanged;
      },

      /* The controls follow the address; results of another address are hidden until the answer is there. */
      restore: function (shown, now, text, range, who, state, sort) {
        if (!shown || shown.address !== (now || "")) return "loading";
        const values = { search: text || "", who, state, sort };
        for (const [name, value] of Object.entries(values)) {
          if (value !== shown[name]) set("visits-" + name, shown[name], value);
        }
        if (range && range[1] && !sameDays(range, shown.range)) {
          set("visits-range", shown.range, range);
        }
        arrived();
        return "";
      },

      /* The reader closed the drawer. */
      closed: function (opened) {
        const parameters = new URLSearchParams(window.location.search);
        if (!opened && parameters.has("visit")) {
          parameters.delete("visit");
          go(search(parameters), { stay: true });
        }
        return window.dash_clientside.no_update;
      },

      /* The controls of the people who are in, written into the address. */
      find: function (text, show, sort) {
        const parameters = new URLSearchParams(window.location.search);
        const before = parameters.toString();
        const asked = (name) => parameters.get(name) ?? USUAL_INSIDE[name];
        const q = current("now-search", text || "", asked("q"));
        const [shown, order] = [current("now-show", show, asked("show")), current("now-sort", sort, asked("sort"))];
        write(parameters, { q, show: shown, sort: order }, USUAL_INSIDE);
        if (parameters.toString() !== before) {
          parameters.delete("all");
          go(search(parameters), { replace: true, stay: true });
        }
        return window.dash_clientside.no_update;
      },

      found: function (now, text, show, sort) {
        const parameters = new URLSearchParams(now || "");
        for (const [name, control, value] of [["q", "search", text || ""], ["show", "show", show], ["sort", "sort", sort]]) {
          const wanted = parameters.get(name) ?? USUAL_INSIDE[name];
          if (wanted !== value) set("now-" + control, wanted, value);
        }
        return window.dash_clientside.no_update;
      },

      /* The range of the usage page. */
      choose: function (days) {
        const parameters = new URLSearchParams(window.location.search);
        const known = parameters.get("days") || (parameters.has("from") ? null : "7");
        if (days && days !== known) {
          ["days", "from", "to"].forEach((name) => parameters.delete(name));
          if (days !== "7") parameters.set("days", days);
          go(search(parameters), { stay: true });
        }
        return window.dash_clientside.no_update;
      },

      chosen: function (now, days) {
        const parameters = new URLSearchParams(now || "");
        const wanted = parameters.get("days") || (parameters.has("from") ? null : "7");
        if (wanted !== days) set("usage-range", wanted, days);
        return window.dash_clientside.no_update;
      },

      /* A bar of a plot leads to the visits that it counts. */
      bar: function (click, links, plot) {
        const point = click?.points?.[0];
        const there = links?.[plot]?.[plot === "usage-hours" ? point?.x : point?.pointNumber];
        if (there) go(there);
        return window.dash_clientside.no_update;
      },

      /* Numbers and plots of another address are hidden until both answers are there. */
      pending: function (shown, drawn, now) {
        const [numbers, plots] = [shown, drawn].map((answered) => (answered === (now || "") ? "" : "loading"));
        if (!numbers && !plots) arrived();
        return [numbers, plots];
      },
    },
  });
})();
