// A camera that watches a room: who is in sight is present, who was not seen for a while has left.
// The rules of tracker/presence/room.py.
import { byText } from "./events.js";

/**
 * @typedef {import("./events.js").Time} Time
 * @typedef {import("./events.js").Transition} Transition
 * A named person in one frame. since: where the evidence starts. x, y: where, in fractions of the frame.
 * @typedef {{ personId: string, trackId: string, since: Time, seenAt: Time, x: number, y: number }} Sighting
 * Somebody in sight so far. trackId: the track that began it.
 * @typedef {{ personId: string, trackId: string, enteredAt: Time, seenAt: Time, x: number, y: number }} Presence
 * A short time without frames: who was seen since `framesSince` counts as unseen from `until` on.
 * @typedef {{ framesSince: Time, until: Time }} Gap
 */

const NOBODY = new Map();

/**
 * Open presences by person id and what was seen since -> open presences and the transitions, in order of time.
 *
 * Somebody enters at the start of the evidence and leaves when unseen for `exitAfter`, dated at the last sighting.
 * ended: everybody still in sight leaves, inferred. left: person id -> when that person's last presence here ended; a
 * late name never reaches back before it.
 * @param {Map<string, Presence>} open @param {Sighting[]} sightings
 * @param {{ now: Time, exitAfter: number, ended?: boolean, left?: Map<string, Time>, gap?: Gap | null }} options
 * @returns {[Map<string, Presence>, Transition[]]}
 */
export function observe(open, sightings, { now, exitAfter, ended = false, left = NOBODY, gap = null }) {
  const byPerson = grouped(sightings);
  const stillOpen = new Map();
  const transitions = [];
  for (const personId of [...new Set([...open.keys(), ...byPerson.keys()])].sort(byText)) {
    let presence = open.get(personId) ?? null;
    for (const sighting of byPerson.get(personId) ?? []) {
      if (presence !== null && sighting.since - unseenSince(presence, gap) < exitAfter) {
        presence = goneOn(presence, sighting);
        continue;
      }
      if (presence !== null) transitions.push(exitOf(presence));
      presence = begun(sighting, left.get(personId));
      if (presence !== null) transitions.push(transition("enter", presence, presence.enteredAt));
    }
    if (presence === null) continue;
    if (now - unseenSince(presence, gap) >= exitAfter) transitions.push(exitOf(presence));
    else if (ended) transitions.push(exitOf(presence, true));
    else stillOpen.set(personId, presence);
  }
  transitions.sort((one, other) => one.at - other.at);
  return [stillOpen, transitions];
}

/** Each person's sightings, in order of the start of their evidence. */
function grouped(sightings) {
  const found = new Map();
  for (const sighting of [...sightings].sort(inTime)) {
    if (!found.has(sighting.personId)) found.set(sighting.personId, []);
    found.get(sighting.personId).push(sighting);
  }
  return found;
}

function inTime(one, other) {
  return (
    one.since - other.since ||
    one.seenAt - other.seenAt ||
    byText(one.trackId, other.trackId) ||
    one.x - other.x ||
    one.y - other.y
  );
}

function unseenSince(presence, gap) {
  if (gap === null || presence.seenAt < gap.framesSince) return presence.seenAt;
  return Math.max(presence.seenAt, gap.until);
}

/** A presence from the start of the evidence, or null if that person's exit has accounted for all of it. */
function begun(sighting, leftAt = -Infinity) {
  if (sighting.seenAt <= leftAt) return null;
  const { personId, trackId, since, seenAt, x, y } = sighting;
  return { personId, trackId, enteredAt: Math.max(since, leftAt), seenAt, x, y };
}

/** The presence with its last sighting brought forward, never back. */
function goneOn(presence, { seenAt, x, y }) {
  return seenAt < presence.seenAt ? presence : { ...presence, seenAt, x, y };
}

function exitOf(presence, inferred = false) {
  return transition("exit", presence, presence.seenAt, inferred);
}

function transition(kind, { personId, trackId, x, y }, at, inferred = false) {
  return { kind, personId, trackId, at, x, y, inferred };
}
