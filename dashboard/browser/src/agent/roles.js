// What being seen means to a camera: in a room, at an entrance or an exit, at a door.
// The rules of tracker/agent/roles; a role takes views and returns the changes that they make.
import { isUnidentified, microseconds } from "../presence/events.js";
import { Line } from "../presence/line.js";
import { observe } from "../presence/room.js";
import { passDoor, passages } from "../presence/transitions.js";
import { Reassignments } from "./reassignment.js";

/**
 * @typedef {import("../presence/events.js").Time} Time
 * @typedef {import("../presence/events.js").Transition} Transition
 * @typedef {import("../presence/room.js").Sighting} Sighting
 * @typedef {import("../presence/room.js").Presence} Presence
 * @typedef {import("../presence/line.js").LineState} LineState
 * One frame as recognition leaves it. ended: no more frames belong to what was seen so far.
 * @typedef {{ at: Time, sightings: Sighting[], points: import("../presence/line.js").TrackPoint[],
 *   retractions: import("../identity/recognition.js").Retraction[], endedTracks: string[],
 *   gap: import("../presence/room.js").Gap | null, ended: boolean }} View
 * retracted: earlier transitions that did not happen.
 * @typedef {{ transitions: Transition[], retracted: Transition[] }} Changes
 * What a role remembers over a restart.
 * @typedef {{ presences: Presence[], lineStates: LineState[] }} RoleState
 * @typedef {{ kind: "room" | "entrance" | "exit" } | { kind: "door", line: [[number, number], [number, number]],
 *   inside: "left" | "right" | "above" | "below", hold_frames?: number }} RoleSettings
 */

/** A track that is unseen at a door for so long has ended. */
const SETTLE_AFTER_S = 5;
const HOLD_FRAMES = 3;
const PASSAGES = { entrance: "enter", exit: "exit" };

/** The role that the settings give a camera. Throws RangeError on another kind and on a wrong line. */
export function roleOf(role, { presence, track }) {
  if (role.kind === "door") {
    if (!Array.isArray(role.line)) throw new RangeError("role: a door needs line and inside; draw the line");
    const settleAfter = microseconds(Math.max(SETTLE_AFTER_S, 2 * track.max_gap_s));
    return new Door(new Line(role.line, role.inside), { hold: role.hold_frames ?? HOLD_FRAMES, settleAfter });
  }
  const exitAfter = microseconds(presence.exit_after_s);
  const resumeWithin = microseconds(presence.merge_gap_s);
  if (role.kind === "room") return new Room({ exitAfter, resumeWithin, unidentifiedAfter: exitAfter });
  if (!Object.hasOwn(PASSAGES, role.kind)) {
    throw new RangeError(`role: expected room, entrance, exit or door, got ${role.kind}`);
  }
  return new Passage(new Room({ exitAfter, resumeWithin, unidentifiedAfter: 0 }), PASSAGES[role.kind]);
}

/** Who is in sight is present, who has not been seen for a while has left. */
class Room {
  #exitAfter;
  #resumeWithin;
  #unidentifiedAfter;
  #reassignments;
  /** @type {Map<string, Presence>} */
  #present = new Map();
  /** Presences of an earlier run that begin later than the frames are now: the clock was set back meanwhile. */
  #ahead = new Map();
  /** @type {Map<string, Time>} */
  #left = new Map();
  /** Since when tracks show somebody unidentified. @type {Map<string, Time>} */
  #unidentifiedSince = new Map();

  /**
   * resumeWithin: a name that comes late never reaches back over an exit that is no older than this.
   * unidentifiedAfter: somebody unidentified counts when in sight for so long.
   */
  constructor({ exitAfter, resumeWithin, unidentifiedAfter }) {
    this.#exitAfter = exitAfter;
    this.#resumeWithin = resumeWithin;
    this.#unidentifiedAfter = unidentifiedAfter;
    this.#reassignments = new Reassignments({ exitAfter });
  }

  /** @returns {RoleState} */
  get state() {
    return { presences: [...new Map([...this.#ahead, ...this.#present]).values()], lineStates: [] };
  }

  /** @param {RoleState} state */
  resume(state) {
    this.#ahead = new Map(state.presences.map((each) => [each.personId, each]));
  }

  /** @param {View} view @returns {Changes} */
  observe(view) {
    const changes = { transitions: this.#takeUp(view.at), retracted: [] };
    for (const each of view.retractions) {
      const found = this.#retract(each, view);
      changes.transitions.push(...found.transitions);
      changes.retracted.push(...found.retracted);
    }
    changes.transitions.push(...this.#observe(view));
    this.#reassignments.end(view.endedTracks);
    for (const trackId of view.endedTracks) this.#unidentifiedSince.delete(trackId);
    return changes;
  }

  /** The clock was set back to `at`, every track has ended; people in sight stay in. */
  setBack(at) {
    const present = [...this.#present.values()];
    const late = present.filter((each) => each.enteredAt > at).map((each) => ({ ...each, since: at, seenAt: at }));
    const [again, transitions] = observe(new Map(), late, { now: at, exitAfter: this.#exitAfter });
    const kept = present.filter((each) => each.enteredAt <= at);
    const entries = kept.map((each) => [each.personId, { ...each, seenAt: Math.min(each.seenAt, at) }]);
    this.#present = new Map([...entries, ...again]);
    this.#left = new Map([...this.#left].filter(([, leftAt]) => leftAt <= at));
    this.#reassignments.clear();
    this.#unidentifiedSince.clear();
    return { transitions, retracted: [] };
  }

  /** The person was forgotten. */
  forget(personId) {
    this.#reassignments.forget(personId);
    this.#present.delete(personId);
  }

  /** Continue the presences of an earlier run once the frames have come to where they begin. */
  #takeUp(at) {
    const transitions = [];
    for (const each of [...this.#ahead.values()].filter(({ enteredAt }) => enteredAt <= at)) {
      this.#ahead.delete(each.personId);
      if (this.#present.has(each.personId)) transitions.push(...this.#close(each));
      else this.#present.set(each.personId, each);
    }
    return transitions;
  }

  #observe(view) {
    const before = this.#present;
    const { at: now, ended, gap } = view;
    const sightings = this.#counted(view.sightings);
    const options = { now, exitAfter: this.#exitAfter, ended, left: this.#left, gap };
    const [present, transitions] = observe(before, sightings, options);
    this.#present = present;
    this.#reassignments.note(before, sightings, present, transitions);
    this.#noteExits(transitions);
    this.#left = new Map([...this.#left].filter(([, leftAt]) => now - leftAt <= this.#resumeWithin));
    return transitions;
  }

  /** Those who count: somebody unidentified when in sight for long enough, since the first sighting by that track. */
  #counted(sightings) {
    if (!this.#unidentifiedAfter) return sightings;
    return sightings.flatMap((each) => {
      if (!isUnidentified(each.personId)) return [each];
      const since = this.#unidentifiedSince.get(each.trackId) ?? each.since;
      this.#unidentifiedSince.set(each.trackId, since);
      return each.seenAt - since < this.#unidentifiedAfter ? [] : [{ ...each, since }];
    });
  }

  /** Derive a person's presence again without what the track showed. */
  #retract({ trackId, personId }, view) {
    const open = this.#present.get(personId) ?? null;
    this.#present.delete(personId);
    const found = this.#reassignments.retract(trackId, personId, open, { now: view.at, gap: view.gap });
    if (found.presence !== null) this.#present.set(personId, found.presence);
    const exits = found.retracted.filter((each) => each.kind === "exit");
    if (exits.some((each) => each.at === this.#left.get(personId))) this.#left.delete(personId);
    this.#noteExits(found.transitions);
    return found;
  }

  /** The exit of somebody who is in sight under another presence: at the last sighting, inferred. */
  #close(presence) {
    const open = new Map([[presence.personId, presence]]);
    const [, transitions] = observe(open, [], { now: presence.seenAt, exitAfter: this.#exitAfter, ended: true });
    this.#reassignments.note(open, [], new Map(), transitions);
    return transitions;
  }

  #noteExits(transitions) {
    for (const each of transitions) if (each.kind === "exit") this.#left.set(each.personId, each.at);
  }
}

/** A room of which one kind of transition is reported. Somebody who passes again within `exitAfter` counts once. */
class Passage {
  #room;
  #kind;

  constructor(room, kind) {
    this.#room = room;
    this.#kind = kind;
  }

  get state() {
    return this.#room.state;
  }

  resume(state) {
    this.#room.resume(state);
  }

  observe(view) {
    return this.#reported(this.#room.observe(view));
  }

  setBack(at) {
    return this.#reported(this.#room.setBack(at));
  }

  forget(personId) {
    this.#room.forget(personId);
  }

  #reported({ transitions, retracted }) {
    return { transitions: passages(transitions, this.#kind), retracted: passages(retracted, this.#kind) };
  }
}

/** Tracks with a name that cross a line come in or go out. */
class Door {
  #options;
  #stored = [];
  /** @type {Map<string, LineState>} */
  #states = new Map();
  /** The transitions that tracks in sight have made. @type {Map<string, Transition[]>} */
  #made = new Map();

  constructor(line, { hold, settleAfter }) {
    this.#options = { line, hold, settleAfter };
  }

  /** @returns {RoleState} */
  get state() {
    return { presences: [], lineStates: [...this.#stored, ...this.#states.values()] };
  }

  /** @param {RoleState} state */
  resume(state) {
    this.#stored = state.lineStates;
  }

  /** @param {View} view @returns {Changes} */
  observe(view) {
    for (const each of this.#stored) if (each.seenAt <= view.at) this.#states.set(each.trackId, each);
    this.#stored = []; // later ones are of a clock that was set back meanwhile
    const changes = { transitions: [], retracted: [] };
    for (const each of view.retractions) {
      const found = this.#retract(each);
      changes.transitions.push(...found.transitions);
      changes.retracted.push(...found.retracted);
    }
    changes.transitions.push(...this.#pass(view));
    return changes;
  }

  setBack() {
    this.#states.clear();
    this.#made.clear();
    return { transitions: [], retracted: [] };
  }

  /** The name of a track comes with its next point; states need no change. */
  forget() {}

  #pass({ points, at, ended }) {
    const [states, transitions] = passDoor(this.#states, points, { ...this.#options, at, ended });
    this.#states = states;
    for (const each of transitions) this.#made.set(each.trackId, [...(this.#made.get(each.trackId) ?? []), each]);
    for (const trackId of this.#made.keys()) if (!states.has(trackId)) this.#made.delete(trackId);
    return transitions;
  }

  /** Give a track's transitions to the right person; those of somebody unidentified wait for the name of this view. */
  #retract({ trackId, personId, intoId }) {
    const state = this.#states.get(trackId);
    const retracted = (this.#made.get(trackId) ?? []).filter((each) => each.personId === personId);
    this.#made.delete(trackId);
    if (state === undefined) return { transitions: [], retracted: [] };
    if (!isUnidentified(personId) && intoId !== null) {
      const transitions = retracted.map((each) => ({ ...each, personId: intoId }));
      this.#states.set(trackId, { ...state, personId: intoId });
      this.#made.set(trackId, transitions);
      return { transitions, retracted };
    }
    if (isUnidentified(personId) && !retracted.length) return { transitions: [], retracted: [] };
    const waiting = [...state.waiting, ...retracted.map(crossingOf)];
    this.#states.set(trackId, { ...state, personId: null, waiting });
    return { transitions: [], retracted };
  }
}

function crossingOf({ trackId, kind, at, x, y }) {
  return { trackId, inward: kind === "enter", at, x, y };
}
