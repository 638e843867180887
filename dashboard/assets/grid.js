/* What the table of visits calls by name: words in its cells, and its CSV file. */
(function () {
  "use strict";

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  functions.stay = function (seconds) {
    return seconds === null || seconds === undefined ? "" : window.footfall.duration(seconds);
  };

  /* Tab leaves the table, which is one stop; the arrow keys move in it. False leaves the key to the browser. */
  functions.leaveHead = function () {
    return false;
  };

  /* Forwards the browser alone would pass over the first button below the table. */
  functions.leaveCells = function (params) {
    const below = document.activeElement.closest(".ag-root-wrapper")?.querySelector(".ag-paging-button");
    if (params.backwards || !below) return false;
    window.setTimeout(() => below.focus());
    return true;
  };

  /* A text that a spreadsheet would run as a formula is kept a text. */
  function plain(value) {
    if (value === null || value === undefined) return "";
    return typeof value === "string" && /^[ \u00a0]*[=+\-@\t\r\n＝＋－＠]/.test(value) ? "'" + value : value;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    visits: {
      /* Show the rows that hold every word of the text. */
      search: function (text) {
        window.dash_ag_grid.getApi("visits-grid").setGridOption("quickFilterText", text || "");
        return window.dash_clientside.no_update;
      },

      /* The rows that the table shows, in its order, with the columns of the report. */
      download: function (clicks, range, keys) {
        if (!clicks) return window.dash_clientside.no_update;
        const lines = [keys.join(",")];
        window.dash_ag_grid.getApi("visits-grid").forEachNodeAfterFilterAndSort(function (node) {
          lines.push(keys.map((key) => '"' + String(plain(node.data[key])).replaceAll('"', '""') + '"').join(","));
        });
        const days = (range || []).filter(Boolean).join("_to_");
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
        link.download = "visits_" + (days || "all") + ".csv";
        link.click();
        window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
