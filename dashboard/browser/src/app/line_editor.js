/** The line of a door on the picture: two points to drag, or to move by arrow keys; and the side that is inside. */
import { element } from "./elements.js";
import { layOver } from "./overlay.js";

const STEP = 0.01;
const MARGIN = 0.02;
const SHORTEST = 0.1;
const ENDS = ["line-start", "line-finish"];
const NAMES = ["One end", "Other end"];
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** A line that runs so much along a side does not part it from the other. */
const LEAST_ACROSS = 0.26;

/** The sides that a line parts. @param {[number, number][]} line two points in fractions of the picture */
export function sidesOf([[x1, y1], [x2, y2]]) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  return [
    ...(Math.abs(x2 - x1) >= LEAST_ACROSS * length ? ["above", "below"] : []),
    ...(Math.abs(y2 - y1) >= LEAST_ACROSS * length ? ["left", "right"] : []),
  ];
}

/** The part of the picture, corners in fractions, on the side of the line through two points that is inside. */
export function insideOf(line, inside) {
  const [[x1, y1], [x2, y2]] = line;
  const side = ([x, y]) => (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
  const middle = [(x1 + x2) / 2, (y1 + y2) / 2];
  const [dx, dy] = { left: [-1, 0], right: [1, 0], above: [0, -1], below: [0, 1] }[inside];
  const wanted = Math.sign(side([middle[0] + dx, middle[1] + dy]));
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const found = [];
  corners.forEach((corner, index) => {
    const next = corners[(index + 1) % 4];
    const [here, there] = [wanted * side(corner), wanted * side(next)];
    if (here >= 0) found.push(corner);
    if (here * there < 0) {
      const share = here / (here - there);
      found.push([corner[0] + share * (next[0] - corner[0]), corner[1] + share * (next[1] - corner[1])]);
    }
  });
  return found;
}

export class LineEditor {
  /** @param {HTMLVideoElement} video @param {() => void} onChange called after every change of the line */
  constructor(video, onChange) {
    this._video = video;
    this._onChange = onChange;
    this.line = [[0.15, 0.5], [0.85, 0.5]];
    this.inside = "below";
    ENDS.forEach((id, index) => this._makeMovable(element(id), index));
    new ResizeObserver(() => this.draw()).observe(video);
    video.addEventListener("resize", () => this.draw());
  }

  set hidden(hidden) {
    for (const id of [...ENDS, "line", "line-word"]) element(id).toggleAttribute("hidden", hidden);
    if (!hidden) this.draw();
  }

  /** Draw the line where the picture is. */
  draw() {
    const shown = layOver(element("line"), this._video);
    const place = (target, [x, y]) =>
      Object.assign(target.style, { left: `${shown.left + x * shown.width}px`, top: `${shown.top + y * shown.height}px` });
    this.line.forEach((point, index) => {
      const end = element(ENDS[index]);
      place(end, point);
      const [x, y] = point.map((each) => Math.round(100 * each));
      end.setAttribute("aria-label", `${NAMES[index]} of the line: ${x} % from the left, ${y} % from the top. Arrow keys move it.`);
    });
    const [[x1, y1], [x2, y2]] = this.line.map((point) => point.map((each) => 100 * each));
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) element("line-edge").setAttribute(name, value);
    const inside = insideOf(this.line, this.inside);
    element("line-inside").setAttribute("points", inside.map((point) => point.map((each) => 100 * each).join(",")).join(" "));
    place(element("line-word"), centre(inside));
  }

  _makeMovable(end, index) {
    end.addEventListener("pointerdown", (event) => end.setPointerCapture(event.pointerId));
    end.addEventListener("pointermove", (event) => {
      if (!end.hasPointerCapture(event.pointerId)) return;
      const { left, top, width, height } = element("line").getBoundingClientRect();
      this._move(index, [(event.clientX - left) / width, (event.clientY - top) / height]);
    });
    end.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (!move) return;
      event.preventDefault();
      const step = event.shiftKey ? 5 * STEP : STEP;
      const [x, y] = this.line[index];
      if (!this._move(index, [x + step * move[0], y + step * move[1]])) return;
      element("line-status").textContent = end.getAttribute("aria-label").split(". ")[0];
    });
  }

  /** Move an end, kept in the picture and away from the other. Returns whether it moved. */
  _move(index, point) {
    const [x, y] = point.map((each) => Math.round(1000 * Math.min(1 - MARGIN, Math.max(MARGIN, each))) / 1000);
    const [otherX, otherY] = this.line[1 - index];
    if (Math.hypot(x - otherX, y - otherY) < SHORTEST) return false;
    this.line[index] = [x, y];
    this._onChange();
    this.draw();
    return true;
  }
}

function centre(points) {
  return [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
}
