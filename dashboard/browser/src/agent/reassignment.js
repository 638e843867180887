// Which track showed whom in a room, so that a track can be taken out when it turns out to show somebody else.
// The rules of tracker/agent/reassignment.py.
import { observe } from "../presence/room.js";
import { isSame } from "../presence/transitions.js";

/**
 * @typedef {import("../presence/events.js").Time} Time
 * @typedef {import("../presence/events.js").Transition} Transition
 * @typedef {import("../presence/room.js").Sighting} Sighting
 * @typedef {import("../presence/room.js").Presence} Presence
 * @typedef {import("../presence/room.js").Gap} Gap
 */

/** One presence, open or over: in which stretches each track showed the person, and the transitions reported. */
class Record {
  /** @param {Sighting[]} stretches in order of time @param {Transition[]} reported */
  constructor(stretches, reported, over = false) {
    this.stretches = stretches;
    this.reported = reported;
    this.over = over;
  }

  isOf(presence) {
    const [first] = this.stretches;
    return !this.over && first.trackId === presence.trackId && first.since === presence.enteredAt;
  }

  /** @param {Set<string>} trackIds */
  isOfAny(trackIds) {
    return this.stretches.some((each) => trackIds.has(each.trackId));
  }

  extend(sighting) {
    const last = this.stretches.at(-1);
    if (last.trackId !== sighting.trackId) this.stretches.push(sighting);
    else if (sighting.seenAt > last.seenAt) this.stretches.splice(-1, 1, prolonged(last, sighting));
  }

  /** Join the first stretches whose tracks have ended: those are never taken out. */
  shorten(live) {
    while (this.stretches.length > 1 && !this.stretches.slice(0, 2).some((each) => live.has(each.trackId))) {
      const [first, second] = this.stretches;
      this.stretches.splice(0, 2, second.seenAt > first.seenAt ? prolonged(first, second) : first);
    }
  }
}

/** The presences of one room's camera that tracks in sight are part of. */
export class Reassignments {
  #exitAfter;
  /** @type {Map<string, Record[]>} */
  #records = new Map();
  #live = new Set();

  constructor({ exitAfter }) {
    this.#exitAfter = exitAfter;
  }

  /**
   * Take in what `observe` made of presences: those before, what was seen, those after, and the transitions.
   * @param {Map<string, Presence>} before @param {Sighting[]} sightings @param {Map<string, Presence>} after
   * @param {Transition[]} transitions
   */
  note(before, sightings, after, transitions) {
    const seen = new Map(sightings.map((each) => [keyOf(each), each]));
    for (const each of transitions) {
      if (each.kind === "enter") {
        this.#begin(seen.get(keyOf(each)), each);
        seen.delete(keyOf(each));
      } else if (before.has(each.personId)) {
        const record = this.#recordOf(before.get(each.personId));
        record.reported.push(each);
        record.over = true;
      }
    }
    for (const sighting of seen.values()) {
      const { personId, trackId } = sighting;
      if (!after.has(personId)) continue;
      this.#live.add(trackId);
      this.#recordOf(before.get(personId) ?? after.get(personId)).extend(sighting);
    }
  }

  /** These tracks have ended: they keep the names that they have. @param {string[]} trackIds */
  end(trackIds) {
    if (!trackIds.length) return;
    for (const trackId of trackIds) this.#live.delete(trackId);
    for (const [personId, records] of this.#records) {
      const kept = records.filter((each) => !each.over || each.isOfAny(this.#live));
      for (const record of kept) record.shorten(this.#live);
      this.#replace(personId, kept);
    }
  }

  /** All tracks and presences have ended. */
  clear() {
    this.#records.clear();
    this.#live.clear();
  }

  /** The person was forgotten. */
  forget(personId) {
    this.#records.delete(personId);
  }

  /**
   * Derive the person's presences again without the track. presence: the one that is open. retracted: transitions that
   * did not happen; transitions: those that did, and were not reported yet.
   * @param {string} trackId @param {string} personId @param {Presence | null} presence
   * @param {{ now: Time, gap: Gap | null }} view
   * @returns {{ retracted: Transition[], transitions: Transition[], presence: Presence | null }}
   */
  retract(trackId, personId, presence, view) {
    const [kept, retracted, transitions] = [[], [], []];
    let open = presence;
    for (const record of this.#records.get(personId) ?? []) {
      const stretches = record.stretches.filter((each) => each.trackId !== trackId);
      if (stretches.length === record.stretches.length) {
        kept.push(record);
        continue;
      }
      const [derived, left] = this.#derived(stretches, record, view);
      retracted.push(...without(record.reported, derived));
      transitions.push(...without(derived, record.reported));
      if (!record.over) open = left;
      if (stretches.length) kept.push(new Record(stretches, derived, left === null));
    }
    this.#replace(personId, kept);
    return { retracted, transitions, presence: open };
  }

  #replace(personId, records) {
    if (records.length) this.#records.set(personId, records);
    else this.#records.delete(personId);
  }

  #begin(sighting, enter) {
    this.#add(enter.personId, new Record([{ ...sighting, since: enter.at }], [enter]));
    this.#live.add(enter.trackId);
  }

  #add(personId, record) {
    this.#records.set(personId, [...(this.#records.get(personId) ?? []), record]);
    return record;
  }

  /** The transitions of these stretches, and the presence that is open after them. */
  #derived(stretches, record, { now, gap }) {
    if (!stretches.length) return [[], null];
    let [open, transitions, more] = [new Map(), [], []];
    for (const each of stretches) {
      [open, more] = observe(open, [each], { now: each.seenAt, exitAfter: this.#exitAfter });
      transitions = [...transitions, ...more];
    }
    if (record.over) {
      const now = stretches.at(-1).seenAt;
      [open, more] = observe(open, [], { now, exitAfter: this.#exitAfter, ended: true });
      more = more.map((each) => ({ ...each, inferred: record.reported.at(-1).inferred }));
    } else {
      [open, more] = observe(open, [], { now, exitAfter: this.#exitAfter, gap });
    }
    return [[...transitions, ...more], open.values().next().value ?? null];
  }

  /** The record of an open presence; one that an earlier run began belongs to the track that began it. */
  #recordOf(presence) {
    const own = (this.#records.get(presence.personId) ?? []).find((record) => record.isOf(presence));
    if (own !== undefined) return own;
    const { enteredAt, ...rest } = presence;
    const whole = { ...rest, since: enteredAt };
    const [, entered] = observe(new Map(), [whole], { now: whole.seenAt, exitAfter: this.#exitAfter });
    return this.#add(presence.personId, new Record([whole], entered));
  }
}

function keyOf({ personId, trackId }) {
  return JSON.stringify([personId, trackId]);
}

function prolonged(stretch, { seenAt, x, y }) {
  return { ...stretch, seenAt, x, y };
}

function without(transitions, others) {
  return transitions.filter((each) => !others.some((other) => isSame(each, other)));
}
