/** Records as documents of Firestore in Google's JSON, with the fields that tracker/cloud/documents.py gives them. */

const DOUBLES = new Set(["x_frac", "y_frac", "distance", "margin", "quality", "fps"]);
const TIMES = new Set(["at", "started_at", "last_frame_at", "watch_started_at", "watch_ended_at"]);
const ABSENT_WHEN_NULL = new Set(["x_frac", "y_frac", "distance", "margin", "event"]);
const OF_HEARTBEAT = [
  "camera_id", "machine_id", "at", "state", "started_at", "last_frame_at", "fps", "frames", "dropped", "problem",
  "watch_started_at", "watch_ended_at", "backlog", "rejected", "version", "schema",
];
const PERSON_ID = /\b[pv]-[0-9a-f]{6,}\b/g;

/** The fields of `events/{event_id}`. */
export function eventFields(event) {
  return fields(event, ["site_id", "event_id"]);
}

/** The fields of `matches/{match_id}`. The reason names no other person: an erasure could not find them in it. */
export function matchFields(match) {
  const reason = match.reason.replace(PERSON_ID, (found) => (found === match.person_id ? found : "somebody"));
  return fields({ ...match, reason }, ["site_id", "match_id"]);
}

/** The fields of `corrections/{correction_id}`. personId: of the event's person. */
export function correctionFields(correction, personId) {
  return fields({ ...correction, person_id: personId }, ["correction_id"]);
}

/** The fields of `heartbeats/{heartbeat_id}`. */
export function heartbeatFields(heartbeat) {
  return fields(Object.fromEntries(OF_HEARTBEAT.map((name) => [name, heartbeat[name] ?? null])));
}

/** The plain values of a document; times as text, bytes as base64. */
export function plain(document) {
  return Object.fromEntries(Object.entries(document?.fields ?? {}).map(([name, value]) => [name, plainValue(value)]));
}

function fields(record, without = []) {
  const kept = Object.entries(record).filter(
    ([name, value]) => !without.includes(name) && !(value === null && ABSENT_WHEN_NULL.has(name)),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, encoded(name, value)]));
}

function encoded(name, value) {
  if (value === null) return { nullValue: null };
  if (typeof value === "boolean") return { booleanValue: value };
  if (typeof value === "object") return { mapValue: { fields: fields(value) } };
  if (TIMES.has(name)) return { timestampValue: value };
  if (typeof value === "string") return { stringValue: value };
  return DOUBLES.has(name) ? { doubleValue: value } : { integerValue: String(value) };
}

function plainValue(value) {
  const [[kind, content]] = Object.entries(value);
  if (kind === "integerValue") return Number(content);
  if (kind === "mapValue") return plain(content);
  if (kind === "arrayValue") return (content.values ?? []).map(plainValue);
  return content;
}
