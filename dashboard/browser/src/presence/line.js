// A line across a door: which side people are on, and when they go over it. The rules of tracker/presence/line.py.
//
// A track is on a side once it is clear of the line by the band. A crossing takes both sides, each held for some frames
// or, for somebody quick, reached well clear of the line; who turns round or stays on the line is not counted.
import { byText } from "./events.js";

/**
 * @typedef {import("./events.js").Time} Time
 * Where a track is in one frame, in fractions of it.
 * @typedef {{ trackId: string, personId: string | null, x: number, y: number }} TrackPoint
 * @typedef {{ trackId: string, inward: boolean, at: Time, x: number, y: number }} Crossing
 * Consecutive frames on one side. depth: the farthest from the line; firstX, firstY: the first frame, x, y: the last.
 * @typedef {{ inside: boolean, frames: number, depth: number, firstAt: Time, firstX: number, firstY: number, x: number,
 *   y: number }} SideRun
 * On which side a track is. held: the side it is on. ahead: the other one, for as long as it was there too shortly.
 * waiting: crossings that have no name yet.
 * @typedef {{ trackId: string, personId: string | null, seenAt: Time, held: SideRun | null, ahead: SideRun | null,
 *   waiting: Crossing[] }} LineState
 */

/** Nearer than this, in fractions of the frame, is on the line. */
const BAND = 0.03;
/** Far enough from the line that one frame there is no jitter. */
const CLEAR = 0.06;
/** How far beyond its ends a line can still be crossed, as a part of its length. */
const REACH = 0.05;
const SHORTEST = 0.05;
const LEAST_ALONG = 0.25;
const TOWARDS = { left: [-1, 0], right: [1, 0], above: [0, -1], below: [0, 1] };

/** A line between two points (x, y) in fractions of the frame, y downwards, and where inside is. */
export class Line {
  #start;
  #along;
  #inward;

  /**
   * Throws RangeError on a point outside 0..1, ends that are too near, and a side that the line does not separate.
   * @param {[[number, number], [number, number]]} ends @param {"left" | "right" | "above" | "below"} inside
   */
  constructor([start, end], inside) {
    if (!Object.hasOwn(TOWARDS, inside)) {
      throw new RangeError(`inside: expected left, right, above or below, got ${inside}`);
    }
    if (![...start, ...end].every((part) => part >= 0 && part <= 1)) {
      throw new RangeError("line: expected two points in fractions of the frame, 0 to 1");
    }
    this.#start = start;
    this.length = Math.hypot(end[0] - start[0], end[1] - start[1]);
    if (this.length < SHORTEST) throw new RangeError(`line: expected two points that lie apart by ${SHORTEST} or more`);
    this.#along = [(end[0] - start[0]) / this.length, (end[1] - start[1]) / this.length];
    const normal = [(end[1] - start[1]) / this.length, (start[0] - end[0]) / this.length];
    const share = normal[0] * TOWARDS[inside][0] + normal[1] * TOWARDS[inside][1];
    if (Math.abs(share) < LEAST_ALONG) throw new RangeError(`inside: this line has no side ${inside}`);
    this.#inward = share > 0 ? normal : [-normal[0], -normal[1]];
  }

  /** How far inside a point is, in fractions of the frame; negative outside. */
  depth(x, y) {
    return (x - this.#start[0]) * this.#inward[0] + (y - this.#start[1]) * this.#inward[1];
  }

  /** Whether the way between two points on different sides crosses the line and does not pass its ends. */
  isBetweenEnds([x1, y1], [x2, y2]) {
    const depth = this.depth(x1, y1);
    const share = depth / (depth - this.depth(x2, y2));
    const [x, y] = [x1 + share * (x2 - x1) - this.#start[0], y1 + share * (y2 - y1) - this.#start[1]];
    const position = (x * this.#along[0] + y * this.#along[1]) / this.length;
    return position >= -REACH && position <= 1 + REACH;
  }
}

/**
 * Line states by track id and the tracks of one frame -> line states and the crossings with their states, in time.
 *
 * hold: frames that make a side. settleAfter: a track unseen for longer has ended: it is judged by its last runs and
 * dropped; who is lost under one track and found under another within that time keeps the side. ended: every track has.
 * @param {Map<string, LineState>} lineStates @param {TrackPoint[]} points
 * @param {{ line: Line, at: Time, hold: number, settleAfter: number, ended?: boolean }} options
 * @returns {[Map<string, LineState>, [LineState, Crossing][]]}
 */
export function cross(lineStates, points, { line, at, hold, settleAfter, ended = false }) {
  const kept = new Map(lineStates);
  const found = [];
  const seen = new Set(points.map((point) => point.trackId));
  for (const point of points) {
    const [state, crossing] = moved(named(kept, point, seen, at, settleAfter), point, line, at, hold);
    kept.set(point.trackId, state);
    if (crossing !== null) found.push([state, crossing]);
  }
  for (const state of [...kept.values()].filter((each) => ended || at - each.seenAt > settleAfter)) {
    kept.delete(state.trackId);
    const crossing = settled(state, line, hold);
    if (crossing !== null) found.push([state, crossing]);
  }
  found.sort(([, one], [, other]) => one.at - other.at || byText(one.trackId, other.trackId));
  return [kept, found];
}

/** The state of a track before this frame, under its name of now; a lost track of that person joins it. */
function named(kept, point, seen, at, settleAfter) {
  const { trackId, personId } = point;
  let state = kept.get(trackId) ?? { trackId, personId: null, seenAt: at, held: null, ahead: null, waiting: [] };
  if (state.personId === null && personId !== null) {
    const twin = lostTwin(kept, personId, seen, at - settleAfter);
    if (twin !== null) {
      kept.delete(twin.trackId);
      state = takenUp(state, twin);
    }
  }
  return { ...state, personId };
}

/** The track one frame later. */
function moved(before, point, line, at, hold) {
  let state = { ...before, seenAt: Math.max(at, before.seenAt) };
  const depth = line.depth(point.x, point.y);
  if (Math.abs(depth) >= BAND) state = stepped(state, point, depth, at);
  const { held, ahead } = state;
  if (held === null || ahead === null || ahead.frames < hold) return [state, null];
  const crossing = isSure(held, hold) ? crossingOf(state.trackId, held, ahead, line) : null;
  return [{ ...state, held: ahead, ahead: null }, crossing];
}

function stepped(state, point, depth, at) {
  if (state.held === null) return { ...state, held: beginRun(point, depth, at) };
  if (depth > 0 === state.held.inside) return { ...state, held: extended(state.held, point, depth), ahead: null };
  const ahead = state.ahead === null ? beginRun(point, depth, at) : extended(state.ahead, point, depth);
  return { ...state, ahead };
}

/** What the last runs of a track that has ended amount to. */
function settled({ trackId, held, ahead }, line, hold) {
  if (held === null || ahead === null || !isSure(held, hold) || !isSure(ahead, hold)) return null;
  return crossingOf(trackId, held, ahead, line);
}

/** From the last point on one side to the first on the other; null where that leads past the line's ends. */
function crossingOf(trackId, held, ahead, line) {
  if (!line.isBetweenEnds([held.x, held.y], [ahead.firstX, ahead.firstY])) return null;
  return { trackId, inward: ahead.inside, at: ahead.firstAt, x: ahead.firstX, y: ahead.firstY };
}

/** The person's state under a track that was lost not long ago; the latest of several. */
function lostTwin(lineStates, personId, seen, since) {
  const lost = [...lineStates.values()].filter(
    (each) => each.personId === personId && !seen.has(each.trackId) && each.seenAt >= since,
  );
  lost.sort((one, other) => other.seenAt - one.seenAt || byText(other.trackId, one.trackId));
  return lost[0] ?? null;
}

/** The new track of a person, continuing the runs of the lost one. */
function takenUp(state, twin) {
  if (twin.held === null || state.ahead !== null) return state;
  if (state.held === null) return { ...state, held: twin.held, ahead: twin.ahead };
  if (state.held.inside === twin.held.inside) return { ...state, held: joined(twin.held, state.held) };
  return { ...state, held: twin.held, ahead: twin.ahead === null ? state.held : joined(twin.ahead, state.held) };
}

// -- runs on one side

function beginRun({ x, y }, depth, at) {
  return { inside: depth > 0, frames: 1, depth: Math.abs(depth), firstAt: at, firstX: x, firstY: y, x, y };
}

function extended(run, { x, y }, depth) {
  return { ...run, frames: run.frames + 1, depth: Math.max(run.depth, Math.abs(depth)), x, y };
}

/** The later run with an earlier one on the same side before it. */
function joined(earlier, later) {
  const { firstAt, firstX, firstY } = earlier;
  const depth = Math.max(earlier.depth, later.depth);
  return { ...later, frames: earlier.frames + later.frames, depth, firstAt, firstX, firstY };
}

function isSure(run, hold) {
  return run.frames >= hold || run.depth >= CLEAR;
}
