/** The page's IndexedDB: what a camera keeps over a reload. */

const NAME = "footfall-camera";
const VERSION = 1;

/** The stores: named values; records to send; records that were rejected for good; whose event it was. */
export const VALUES = "values";
export const RECORDS = "records";
export const REJECTED = "rejected";
export const EVENT_PEOPLE = "event_people";

/**
 * Open it. onLost: the connection was closed, as Safari does in the background, and nothing can be read or written by it.
 * @returns {Promise<IDBDatabase>}
 */
export function openDatabase(onLost = () => {}) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const database = request.result;
      database.createObjectStore(VALUES);
      database.createObjectStore(RECORDS, { autoIncrement: true });
      database.createObjectStore(REJECTED);
      database.createObjectStore(EVENT_PEOPLE).createIndex("at", "at");
    };
    request.onsuccess = () => {
      request.result.onclose = onLost;
      request.result.onversionchange = () => {
        request.result.close();
        onLost();
      };
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

/** The result of one request. */
export function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Do all of `work` in one transaction, or nothing of it; resolves once the disk has it. */
export function write(database, stores, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    try {
      work(...stores.map((name) => transaction.objectStore(name)));
    } catch (error) {
      transaction.abort();
      reject(error);
    }
  });
}
