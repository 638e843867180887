/** The screen of a camera that runs: its picture, its state, how many are in sight, and who came and left lately. */
import { isKnown } from "../delivery/gallery.js";
import { isUnidentified } from "../presence/events.js";
import { element, showProblem } from "./elements.js";
import { drawFaces } from "./overlay.js";

const MOST_EVENTS = 8;
const SHOWN_FOR_MS = 15 * 60_000;
const SOMEBODY = "Somebody";
const KINDS = { enter: "in", exit: "out" };
const HIDDEN_WORTH_SAYING_MS = 5_000;

export class RunningScreen {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this._video = video;
    this._isDark = false;
    element("darken").addEventListener("click", () => this._darken(true));
    element("darkness").addEventListener("click", () => this._darken(false));
    element("darkness").addEventListener("keydown", (event) => {
      event.preventDefault(); // else the same key presses the button that has the focus next
      this._darken(false);
    });
  }

  /** Follow a run. @param {import("./camera_run.js").CameraRun} run */
  show(run, config, gallery) {
    this._run = run;
    this._zone = config.zone;
    this._events = [];
    this._delivery = { waiting: 0, rejected: [], failure: null };
    this.setGallery(gallery);
    run.addEventListener("change", () => this._draw());
    run.addEventListener("records", ({ detail }) => this._record(detail));
    run.addEventListener("looked", ({ detail }) => this._overlay(detail));
    this._draw();
  }

  setGallery(gallery) {
    this._names = new Map(gallery.people.map((each) => [each.person_id, each.name]));
    this._knowsNobody = !isKnown(gallery);
  }

  /** What became of the records. @param {{ waiting: number, rejected: object[], failure: object | null }} delivery */
  setDelivery(delivery) {
    this._delivery = delivery;
    this._draw();
  }

  close() {
    this._darken(false);
  }

  _name(personId) {
    return isUnidentified(personId) ? SOMEBODY : (this._names.get(personId) ?? SOMEBODY);
  }

  _record({ events, corrections }) {
    const voided = new Set(corrections.filter((each) => each.action === "void").map((each) => each.event_id));
    const added = corrections.flatMap((each) => each.event ?? []);
    const known = new Map([...this._events, ...events, ...added].map((each) => [each.event_id, each]));
    const kept = [...known.values()].filter((each) => !voided.has(each.event_id));
    this._events = kept.sort((one, other) => (one.at < other.at ? 1 : -1)).slice(0, MOST_EVENTS);
    this._drawEvents();
  }

  _overlay({ width, height, boxes }) {
    if (this._isDark) return;
    const shown = boxes.map(({ box, personId }) => {
      if (personId === null) return { box, label: "", kind: "unsure" };
      return { box, label: this._name(personId), kind: isUnidentified(personId) ? "unidentified" : "known" };
    });
    drawFaces(element("overlay"), this._video, { width, height, boxes: shown });
  }

  _draw() {
    const { state, problem, present } = this._run;
    const { waiting, failure, rejected } = this._delivery;
    const isLate = state === "live" && failure !== null;
    setText("state-text", stateText(state, isLate, failure));
    Object.assign(element("state").dataset, { state: isLate ? "waiting" : state, frames: this._run.frames });
    setText("state-note", this._note(waiting));
    const shown = problem ?? (failure && !failure.retryable ? failure : null);
    if (this._shownProblem !== shown) showProblem("running-problem", shown?.problem, shown?.fix);
    this._shownProblem = shown;
    setText("count", String(present.length));
    setText("count-word", present.length === 1 ? "person in sight" : "people in sight");
    this._drawRejected(rejected);
    this._drawEvents();
  }

  _note(waiting) {
    const { state, fps, hiddenMs, keepsScreenOn } = this._run;
    const parts = [];
    if (state === "starting") parts.push("loading the networks");
    if (state === "live") parts.push(`${fps.toFixed(1)} frames a second`);
    if (waiting) parts.push(waiting === 1 ? "1 record waits" : `${waiting} records wait`);
    if (hiddenMs > HIDDEN_WORTH_SAYING_MS) parts.push(`was in the background for ${lengthOf(hiddenMs)}`);
    if (state === "live" && !keepsScreenOn) parts.push("set the screen of this device to stay on");
    if (this._knowsNobody) parts.push("recognises nobody until there is network");
    return parts.join(" · ");
  }

  _drawEvents() {
    const recent = this._events.filter((each) => Date.now() - Date.parse(each.at) < SHOWN_FOR_MS);
    const key = recent.map((each) => each.event_id + this._name(each.person_id)).join();
    if (key === this._eventsKey) return;
    this._eventsKey = key;
    element("events").replaceChildren(...recent.map((each) => this._row(each)));
    element("events-none").hidden = recent.length > 0;
  }

  _row({ at, person_id, kind }) {
    const row = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString([], { timeZone: this._zone, timeStyle: "medium" });
    const name = Object.assign(document.createElement("span"), { className: "name", textContent: this._name(person_id) });
    const word = Object.assign(document.createElement("span"), { className: `kind kind-${kind}`, textContent: KINDS[kind] });
    row.append(time, name, word);
    return row;
  }

  _drawRejected(rejected) {
    element("rejected").hidden = rejected.length === 0;
    setText("rejected-title", rejected.length === 1 ? "1 record was rejected" : `${rejected.length} records were rejected`);
    const reasons = [...new Set(rejected.map((each) => each.reason))].slice(0, 5);
    if (element("rejected-list").childElementCount === reasons.length) return;
    element("rejected-list").replaceChildren(...reasons.map((reason) => {
      return Object.assign(document.createElement("li"), { textContent: reason });
    }));
  }

  _darken(isDark) {
    this._isDark = isDark;
    element("darkness").hidden = !isDark;
    element("main").inert = isDark;
    element(isDark ? "darkness" : "darken").focus();
  }
}

function stateText(state, isLate, failure) {
  if (isLate) return failure.status === 409 ? "Watching, another page is this camera" : "Watching, not connected";
  return { starting: "Starting", live: "Watching", lost: "No picture", stopped: "Stopped" }[state];
}

/** Text that has not changed is not read out again. */
function setText(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function lengthOf(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
