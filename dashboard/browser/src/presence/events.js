// Events, matches and corrections as documents: the fields and ids of tracker/presence/events.py.
import { sha256 } from "./sha256.js";

/**
 * A time: microseconds since 1970, UTC, a whole number.
 * @typedef {number} Time
 * @typedef {{ siteId: string, cameraId: string }} CameraRef
 * @typedef {"enter" | "exit"} EventKind
 * Somebody came in or went out; x and y in fractions of the frame.
 * @typedef {{ kind: EventKind, personId: string, trackId: string, at: Time, x: number, y: number, inferred: boolean }}
 *   Transition
 */

const SCHEMA = 1;
/** The author of corrections that a camera makes. */
const ITSELF = "footfall";
const UNIDENTIFIED = /^u-[0-9a-f]{16}$/;
const SECOND = 1_000_000;
const utf8 = new TextEncoder();

/** The document of an event. @param {CameraRef} camera @param {Transition} transition */
export function eventOf(camera, { kind, personId, trackId, at, x, y, inferred }) {
  return {
    kind,
    site_id: camera.siteId,
    camera_id: camera.cameraId,
    person_id: personId,
    at: timeText(at),
    track_id: trackId,
    x_frac: x,
    y_frac: y,
    inferred,
    schema: SCHEMA,
    event_id: contentId(kind, camera.siteId, camera.cameraId, personId, timeText(at), trackId),
  };
}

/** The document of a decision about a track; without a margin where nobody else is known. */
export function matchOf(camera, { trackId, at, personId, distance, margin, quality, authorised, reason }) {
  return {
    site_id: camera.siteId,
    camera_id: camera.cameraId,
    track_id: trackId,
    at: timeText(at),
    person_id: personId,
    distance,
    margin: margin !== null && Number.isFinite(margin) ? margin : null,
    quality,
    authorised,
    reason,
    schema: SCHEMA,
    match_id: contentId(camera.siteId, camera.cameraId, trackId, timeText(at), personId ?? ""),
  };
}

/** The document of a correction: `event` where one is added, null where that with the id is voided. */
export function correctionOf({ eventId, at, reason, event = null }) {
  const action = event === null ? "void" : "add";
  return {
    action,
    event_id: eventId,
    by: ITSELF,
    at: timeText(at),
    reason,
    event,
    schema: SCHEMA,
    correction_id: contentId("correction", action, eventId, ITSELF, timeText(at)),
  };
}

/** The document of somebody in sight. */
export function presenceOf(camera, { personId, trackId, enteredAt, seenAt, x, y }) {
  return {
    site_id: camera.siteId,
    camera_id: camera.cameraId,
    person_id: personId,
    track_id: trackId,
    entered_at: timeText(enteredAt),
    seen_at: timeText(seenAt),
    x_frac: x,
    y_frac: y,
  };
}

/** The person id of somebody on a track who was not recognised; each track has its own. */
export function unidentifiedId(camera, trackId) {
  return `u-${contentId(camera.siteId, camera.cameraId, trackId).slice(0, 16)}`;
}

/** Whether the id stands for somebody who was counted without being recognised. @param {string} personId */
export function isUnidentified(personId) {
  return UNIDENTIFIED.test(personId);
}

/** ISO 8601 with microseconds. @param {Time} at @returns {string} */
export function timeText(at) {
  const fraction = String(at % SECOND).padStart(6, "0");
  return `${new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** 32 hex digits that depend on nothing but the parts and their order. @param {...string} parts */
export function contentId(...parts) {
  const encoded = parts.map((part) => utf8.encode(part));
  const bytes = new Uint8Array(encoded.reduce((sum, part) => sum + 4 + part.length, 0));
  let end = 0;
  for (const part of encoded) {
    new DataView(bytes.buffer).setUint32(end, part.length);
    bytes.set(part, end + 4);
    end += 4 + part.length;
  }
  return sha256(bytes).slice(0, 32);
}

/** Microseconds of seconds, rounded as Python's timedelta does: half a microsecond to the even one. */
export function microseconds(seconds) {
  const whole = Math.trunc(seconds);
  const exact = (seconds - whole) * SECOND;
  const part = Math.trunc(exact);
  const rest = exact - part;
  const up = rest === 0.5 ? (whole * SECOND + part) % 2 : Math.round(rest);
  return whole * SECOND + part + up;
}

/** Seconds of microseconds. */
export function seconds(duration) {
  return duration / SECOND;
}

/** Order by code points, as Python and SQLite have it. @param {string} one @param {string} other */
export function byText(one, other) {
  if (one === other) return 0;
  const [first, second] = [Array.from(one), Array.from(other)];
  const at = first.findIndex((char, i) => char !== second[i]);
  if (at === -1) return -1;
  if (at >= second.length) return 1;
  return first[at].codePointAt(0) - second[at].codePointAt(0);
}
