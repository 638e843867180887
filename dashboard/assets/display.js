/* The display at the door asks for its number again and again. Written for browsers of ten years ago. */
(function () {
  "use strict";

  var EVERY_MS = 4000;
  var LOST_AFTER_MS = 30000;
  var display = document.getElementById("display");
  var answeredAt = Date.now();

  function write(id, text) {
    var element = document.getElementById(id);
    if (element.textContent !== text) element.textContent = text;
  }

  function show(shown) {
    display.className = "display level-" + shown.level;
    write("number", shown.number);
    document.getElementById("number").className = shown.number.length > 3 ? "long" : "";
    write("of", shown.of);
    write("words", shown.words);
    document.getElementById("bar").hidden = shown.percent === null;
    document.getElementById("fill").setAttribute("width", shown.percent || 0);
  }

  /* An old number must not pass for the one of now. */
  function wait() {
    if (Date.now() - answeredAt < LOST_AFTER_MS) return;
    show({ number: "–", of: "", words: "no connection", percent: null, level: "calm" });
  }

  function ask() {
    var request = new XMLHttpRequest();
    request.open("GET", display.getAttribute("data-from"));
    request.timeout = EVERY_MS;
    request.onload = function () {
      if (request.status === 401) {
        show({ number: "–", of: "", words: "this link is no longer valid", percent: null, level: "calm" });
        answeredAt = Date.now();
      } else if (request.status === 200) {
        try {
          show(JSON.parse(request.responseText));
          answeredAt = Date.now();
        } catch (error) {
          wait();
        }
      } else wait();
    };
    request.onerror = request.ontimeout = wait;
    request.send();
  }

  window.setInterval(ask, EVERY_MS);
})();
