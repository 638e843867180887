/** The dashboard as the place where records go, and settings and people come from. */
import { DeliveryError } from "./errors.js";
import { opened } from "./gallery.js";
import { answer, mayRetry, objectOf } from "./requests.js";

export class DashboardTransport {
  /**
   * @param {import("./pairing.js").DashboardKey} key
   * @param {{ instance: string, fetcher?: typeof fetch }} options
   *   instance: id of this page, so that two pages with one key are noticed.
   */
  constructor(key, { instance, fetcher = (...given) => fetch(...given) }) {
    this._key = key;
    this._instance = instance;
    this._fetch = fetcher;
  }

  get heartbeatEveryMs() {
    return 30_000;
  }

  /** The camera's configuration. Raises DeliveryError. */
  async config() {
    return objectOf(await this._asked(`config?instance=${encodeURIComponent(this._instance)}`));
  }

  /**
   * The people to recognise, null where they are those of `version` still; sealed: as it may be kept. Raises DeliveryError.
   * @param {string | null} version
   */
  async gallery(version) {
    const headers = version === null ? {} : { "If-None-Match": `"${version}"` };
    const response = await this._asked("gallery", { headers });
    if (response.status === 304) return null;
    const sealed = await response.arrayBuffer();
    return { gallery: await this.openSealed(sealed), sealed };
  }

  /** The people of a gallery that was kept. Raises DeliveryError. */
  openSealed(sealed) {
    return opened(sealed, this._key);
  }

  /**
   * Send records. Raises DeliveryError where they may not be stored: whoever takes them answers which ones it rejected.
   * @param {import("./outbox.js").Body} body
   */
  async send(body) {
    const found = await objectOf(await this._asked("records", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, instance: this._instance }),
    }));
    if (!Array.isArray(found.rejected)) {
      throw new DeliveryError(`${new URL(this._key.address).host} answered without what became of the records`, {
        fix: "Check that no proxy answers in place of the dashboard.",
        retryable: true,
      });
    }
    return { rejected: found.rejected, now: found.now, galleryVersion: found.gallery_version };
  }

  async _asked(path, options = {}) {
    const { device_id, secret, address } = this._key;
    const headers = { ...options.headers, Authorization: `Bearer ${device_id}.${secret}` };
    const url = new URL(`api/${path}`, address).href;
    const response = await answer(this._fetch, url, { ...options, headers, credentials: "omit" });
    if (response.ok || response.status === 304) return response;
    const { error, fix, revoked } = await objectOf(response);
    throw new DeliveryError(error ?? `The dashboard answered ${response.status}`, {
      fix: fix ?? "Look at the dashboard's log.",
      retryable: mayRetry(response.status),
      revoked: response.status === 401 && revoked === true,
      status: response.status,
    });
  }
}
