/** Records that wait to be sent, in order, in IndexedDB. */
import { EVENT_PEOPLE, RECORDS, REJECTED, VALUES, result, write } from "./database.js";
import { STATE, WATCH } from "./values.js";

/** The kinds of records; each is an array of the body that is sent. */
export const KINDS = ["events", "matches", "corrections"];
const HEARTBEAT = "heartbeat";
const ID = { events: "event_id", matches: "match_id", corrections: "correction_id" };
/** For so long a correction may come of an event. */
const CORRECTED_WITHIN_MS = 2 * 86_400_000;

/**
 * @typedef {{ events: object[], matches: object[], corrections: object[], heartbeat: object | null }} Body
 * @typedef {{ body: Body, keys: number[], kinds: string[] }} Batch
 */

export class Outbox {
  /** @param {IDBDatabase} database */
  constructor(database, { now = Date.now } = {}) {
    this._database = database;
    this._now = now;
  }

  /**
   * Append records, and with them what the camera continues from, in one transaction: a reload loses and doubles nothing.
   * @param {{ events?: object[], matches?: object[], corrections?: object[], heartbeat?: object | null,
   *           state?: object, watch?: object }} found
   */
  append(found) {
    return write(this._database, [RECORDS, VALUES, EVENT_PEOPLE], (records, values, people) => {
      for (const kind of KINDS) for (const record of found[kind] ?? []) records.add({ kind, record });
      if (found.heartbeat) records.add({ kind: HEARTBEAT, record: found.heartbeat });
      if (found.state !== undefined) values.put(found.state, STATE);
      if (found.watch !== undefined) values.put(found.watch, WATCH);
      if (found.events?.length) this._rememberPeople(people, found.events);
    });
  }

  /** How many records wait. */
  waiting() {
    return result(this._database.transaction(RECORDS).objectStore(RECORDS).count());
  }

  /**
   * The oldest records, at most `most`, and one heartbeat among them at most; null where none waits.
   * @returns {Promise<Batch | null>}
   */
  async next(most) {
    const store = this._database.transaction(RECORDS).objectStore(RECORDS);
    const [keys, rows] = await Promise.all([result(store.getAllKeys(null, most)), result(store.getAll(null, most))]);
    if (!rows.length) return null;
    const first = rows.findIndex((row) => row.kind === HEARTBEAT);
    const second = rows.findIndex((row, index) => row.kind === HEARTBEAT && index > first);
    const count = second < 0 ? rows.length : second;
    const taken = rows.slice(0, count);
    const of = (kind) => taken.filter((row) => row.kind === kind).map((row) => row.record);
    const body = { ...Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])), heartbeat: of(HEARTBEAT)[0] ?? null };
    return { body, keys: keys.slice(0, count), kinds: taken.map((row) => row.kind) };
  }

  /**
   * The records of a batch were taken, or rejected for good; those are kept apart, with the reason.
   * @param {Batch} batch
   * @param {{ id: string, reason: string }[]} rejected
   */
  acknowledge(batch, rejected = []) {
    const all = KINDS.flatMap((kind) => batch.body[kind].map((record) => ({ kind, id: record[ID[kind]], record })));
    return write(this._database, [RECORDS, REJECTED], (waiting, rejections) => {
      for (const key of batch.keys) waiting.delete(key);
      for (const { id, reason } of rejected) {
        const found = all.find((each) => each.id === id) ?? { kind: "", record: null };
        rejections.put({ ...found, id, reason, at: this._now() }, id);
      }
    });
  }

  /** Records that were rejected for good: kind, id, record, reason, at (ms). */
  rejected() {
    return result(this._database.transaction(REJECTED).objectStore(REJECTED).getAll());
  }

  /** Whose event it was, "" where that is not known any more. */
  async personOf(eventId) {
    const row = await result(this._database.transaction(EVENT_PEOPLE).objectStore(EVENT_PEOPLE).get(eventId));
    return row?.person_id ?? "";
  }

  _rememberPeople(store, events) {
    for (const each of events) store.put({ person_id: each.person_id, at: this._now() }, each.event_id);
    const old = IDBKeyRange.upperBound(this._now() - CORRECTED_WITHIN_MS);
    store.index("at").openKeyCursor(old).onsuccess = ({ target }) => {
      if (!target.result) return;
      store.delete(target.result.primaryKey);
      target.result.continue();
    };
  }
}

/** A batch cut in two; null where it is one record. */
export function halves(batch) {
  const middle = Math.floor(batch.keys.length / 2);
  if (!middle) return null;
  return [part(batch, 0, middle), part(batch, middle, batch.keys.length)];
}

function part(batch, from, to) {
  const seen = Object.fromEntries([...KINDS, HEARTBEAT].map((kind) => [kind, 0]));
  const body = { ...Object.fromEntries(KINDS.map((kind) => [kind, []])), heartbeat: null };
  batch.kinds.forEach((kind, index) => {
    const number = seen[kind]++;
    if (index < from || index >= to) return;
    if (kind === HEARTBEAT) body.heartbeat = batch.body.heartbeat;
    else body[kind].push(batch.body[kind][number]);
  });
  return { body, keys: batch.keys.slice(from, to), kinds: batch.kinds.slice(from, to) };
}
