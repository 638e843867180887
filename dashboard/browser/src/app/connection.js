/** A paired camera: its configuration and the people it recognises, with network or from what was kept. */
import { DashboardTransport } from "../delivery/dashboard.js";
import { DeliveryError } from "../delivery/errors.js";
import { FirestoreTransport } from "../delivery/firestore.js";
import { unknownGallery } from "../delivery/gallery.js";
import { CONFIG, GALLERY, INSTANCE } from "../delivery/values.js";

/** A clock that is off by more would date events wrongly, and the dashboard takes none from the future. */
const MOST_SKEW_MS = 120_000;

export class Connection {
  /**
   * The connection of a key.
   * @param {import("../delivery/pairing.js").DashboardKey | import("../delivery/pairing.js").FirestoreKey} key
   * @param {import("../delivery/values.js").Values} values
   * @param {import("../delivery/outbox.js").Outbox} outbox
   */
  static async of(key, values, outbox) {
    const instance = (await values.get(INSTANCE)) ?? crypto.randomUUID();
    await values.set(INSTANCE, instance);
    const personOf = (eventId) => outbox.personOf(eventId);
    const transport = key.kind === "dashboard" ? new DashboardTransport(key, { instance }) : new FirestoreTransport(key, { personOf });
    return new Connection(transport, values, instance);
  }

  constructor(transport, values, instance) {
    this.transport = transport;
    this.instance = instance;
    this._values = values;
    this._clockIsRight = false;
  }

  /**
   * The configuration; without network that of the last time, and `isOffline` is true. Raises DeliveryError.
   */
  async config() {
    this.isOffline = false;
    try {
      const config = await this._newestConfig();
      await this._values.set(CONFIG, config);
      return config;
    } catch (error) {
      const kept = error.retryable ? await this._values.get(CONFIG) : undefined;
      if (!kept) throw error;
      this.isOffline = true;
      return kept;
    }
  }

  /** The people to recognise; without network those that were kept, or nobody. Raises DeliveryError. */
  async people(config) {
    const kept = config.keep_gallery ? await this._kept() : null;
    try {
      return (await this._fetched(config, kept?.version ?? null)) ?? kept;
    } catch (error) {
      if (!error.retryable) throw error;
      return kept ?? unknownGallery(config.embedder);
    }
  }

  /** The people, null where they are those of `version` still. Raises DeliveryError. */
  newerPeople(config, version) {
    return this._fetched(config, version);
  }

  /** Before records are sent: raises DeliveryError where the clock was off last, or is not known to be right, and still is. */
  async requireClock() {
    if (!this._clockIsRight) await this._newestConfig();
  }

  /** What an answer shows of the clock. Raises DeliveryError where it is off. now: time text of the server. */
  followClock(now) {
    this._checkClock(now, Date.now());
  }

  async _newestConfig() {
    const askedMs = Date.now();
    const config = await this.transport.config();
    this._checkClock(config.now, (askedMs + Date.now()) / 2);
    return config;
  }

  _checkClock(now, hereMs) {
    this._clockIsRight = false;
    requireClock(now, hereMs);
    this._clockIsRight = true;
  }

  async _fetched(config, version) {
    const found = await this.transport.gallery(version);
    if (found === null) return null;
    if (config.keep_gallery && found.sealed) await this._values.set(GALLERY, found.sealed);
    else await this._values.delete(GALLERY);
    return found.gallery;
  }

  async _kept() {
    const sealed = await this._values.get(GALLERY);
    return sealed ? this.transport.openSealed(sealed).catch(() => null) : null;
  }
}

/** Raises DeliveryError where the clock of this device is off. now: time text of the server; hereMs: the same moment here. */
export function requireClock(now, hereMs) {
  const skewMs = hereMs - Date.parse(now);
  if (!(Math.abs(skewMs) > MOST_SKEW_MS)) return;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  throw new DeliveryError(`The clock of this device is ${minutes} minutes ${skewMs > 0 ? "fast" : "slow"}`, {
    fix: "Switch on automatic date and time in its settings, then reload the page.",
  });
}
