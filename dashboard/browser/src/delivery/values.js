/** Named values that a camera keeps: its key, its set-up, the last configuration, the sealed gallery. */
import { EVENT_PEOPLE, RECORDS, REJECTED, VALUES, result, write } from "./database.js";

export const PAIRING = "pairing";
export const SET_UP = "set-up";
export const CONFIG = "config";
export const GALLERY = "gallery";
export const INSTANCE = "instance";
/** State of the rules: who is in sight, line states. */
export const STATE = "state";
/** The stretch over which frames came. */
export const WATCH = "watch";

export class Values {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this._database = database;
  }

  /** The value, undefined where there is none. */
  get(name) {
    return result(this._database.transaction(VALUES).objectStore(VALUES).get(name));
  }

  set(name, value) {
    return write(this._database, [VALUES], (values) => values.put(value, name));
  }

  delete(name) {
    return write(this._database, [VALUES], (values) => values.delete(name));
  }

  /** Delete everything: the key, the gallery, records that wait. */
  wipe() {
    return write(this._database, [VALUES, RECORDS, REJECTED, EVENT_PEOPLE], (...stores) => {
      for (const store of stores) store.clear();
    });
  }
}
