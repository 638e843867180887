/* What is seen of an enrolment: the camera with its overlay, the hint, and the pictures taken. */
const SVG = "http://www.w3.org/2000/svg";
const SAY_EVERY_MS = 1800;
const THUMBNAIL_PX = 144;

export function element(tag, { text, children = [], on = {}, ...attributes } = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  if (text) made.textContent = text;
  made.append(...children);
  for (const [event, handler] of Object.entries(on)) made.addEventListener(event, handler);
  return made;
}

function drawn(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function icon(name) {
  return element("span", { class: `icon icon-${name}`, "aria-hidden": "true" });
}

export class Stage {
  constructor(root, enough) {
    this.enough = enough;
    this.video = element("video", { playsinline: true, muted: true, "aria-label": "The camera" });
    this.video.muted = true;
    this.faces = drawn("svg", { class: "enrol-faces", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
    const turned = { cx: 150, cy: 200, rx: 152, ry: 112, transform: "rotate(-90 150 200)" }; // it begins at the top
    this.ring = drawn("ellipse", { class: "enrol-ring", ...turned, pathLength: 100 });
    const oval = drawn("svg", { class: "enrol-oval", viewBox: "0 0 300 400", "aria-hidden": "true" });
    oval.append(drawn("ellipse", { class: "enrol-track", ...turned }), this.ring);
    this.message = element("div", { class: "enrol-message" });
    this.corner = element("div", { class: "enrol-corner" });
    this.hint = element("p", { class: "enrol-hint", "aria-hidden": "true" });
    this.view = element("div", {
      class: "enrol-view",
      children: [this.video, this.faces, oval, this.hint, this.message, this.corner],
    });
    this.live = element("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
    this.shots = element("ol", { class: "enrol-shots", "aria-label": "Pictures taken", tabindex: "-1" });
    this.refused = element("ul", { class: "enrol-refused", role: "alert" });
    this.tools = element("div", { class: "enrol-tools" });
    root.replaceChildren(this.view, this.live, this.shots, this.refused, this.tools);
    this.saidAt = 0;
    this.progress(0);
  }

  /* state: idle, waiting, live, blocked or done. */
  show(state, { title = "", text = "", command = "", buttons = [] } = {}) {
    this.view.dataset.state = state;
    const parts = state === "done" ? [icon("check")] : [];
    if (title) parts.push(element("h2", { class: "enrol-title", text: title }));
    if (text) parts.push(element("p", { class: "enrol-text", text }));
    if (command) parts.push(element("code", { class: "command", text: command }));
    if (buttons.length) parts.push(element("div", { class: "enrol-buttons", children: buttons }));
    this.message.replaceChildren(...parts);
    if (state === "live") this.view.scrollIntoView({ block: "nearest" });
    else this.draw([], 0, 0);
    this.say([title, text].filter(Boolean).join(". "));
  }

  say(words, visible = "") {
    this.hint.textContent = visible;
    clearTimeout(this.saying);
    const announce = () => {
      if (this.live.textContent === words) return;
      this.live.textContent = words;
      this.saidAt = Date.now();
    };
    this.saying = setTimeout(announce, Math.max(0, this.saidAt + SAY_EVERY_MS - Date.now()));
  }

  advise(words) {
    this.say(words, words);
  }

  progress(count) {
    const share = Math.min(1, count / this.enough);
    this.ring.setAttribute("stroke-dasharray", `${100 * share} 100`);
    this.ring.style.visibility = count ? "visible" : "hidden";
  }

  mirror(on) {
    this.view.toggleAttribute("data-mirrored", on);
  }

  /* faces: boxes and points in px of a frame of this size. */
  draw(faces, width, height) {
    this.faces.setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
    const parts = faces.flatMap(({ box: [left, top, right, bottom], points }) => {
      const side = { x: left, y: top, width: right - left, height: bottom - top, rx: (right - left) * 0.12 };
      const radius = Math.max(1.5, (right - left) / 60);
      return [drawn("rect", side), ...points.map(([cx, cy]) => drawn("circle", { cx, cy, r: radius }))];
    });
    this.faces.replaceChildren(...parts);
  }

  /* A taken picture with its quality. canvas, box: where the face is in it. remove: what its button does. */
  add({ number, quality, pose }, canvas, box, remove) {
    const picture = canvas ? thumbnail(canvas, box) : element("span", { class: "enrol-unseen" });
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `Picture ${number}, ${pose}`);
    const button = element("button", {
      type: "button",
      class: "enrol-remove",
      "aria-label": `Remove picture ${number}`,
      children: [icon("close")],
      on: { click: () => remove(number) },
    });
    const caption = element("span", { class: "enrol-quality", children: [`${number} · ${quality}`] });
    this.shots.append(element("li", { "data-number": number, children: [picture, button, caption] }));
    this.view.classList.remove("enrol-flash");
    void this.view.offsetWidth; // starts the animation again
    this.view.classList.add("enrol-flash");
  }

  drop(number) {
    this.shots.querySelector(`[data-number="${number}"]`)?.remove();
    (this.shots.querySelector("button") ?? this.shots).focus();
  }

  clear() {
    this.shots.replaceChildren();
    this.progress(0);
  }

  refuse(words) {
    this.refused.append(element("li", { text: words }));
  }
}

function thumbnail(canvas, box) {
  const made = element("canvas", { width: THUMBNAIL_PX, height: THUMBNAIL_PX });
  const { width, height } = canvas;
  const [left, top, right, bottom] = box;
  const side = Math.min(width, height, 1.7 * Math.max(right - left, bottom - top));
  const within = (middle, length) => Math.max(0, Math.min(middle - side / 2, length - side));
  const [x, y] = [within((left + right) / 2, width), within((top + bottom) / 2, height)];
  made.getContext("2d").drawImage(canvas, x, y, side, side, 0, 0, THUMBNAIL_PX, THUMBNAIL_PX);
  return made;
}
