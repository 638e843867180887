/**
 * Firestore over REST as the place where records go, and settings and people come from, for a camera without a dashboard.
 * Events, matches and heartbeats are only created: sending them again changes nothing.
 */
import { correctionFields, eventFields, heartbeatFields, matchFields, plain } from "./documents.js";
import { DeliveryError } from "./errors.js";
import { vectorOf } from "./gallery.js";
import { IdTokens } from "./id_tokens.js";
import { heartbeatId, inAddress, pathOf, recordId } from "./paths.js";
import { answer, mayRetry, objectOf, RETRIED } from "./requests.js";
import { EMBEDDERS, settingsOf } from "./settings.js";

const GOOGLE = "https://firestore.googleapis.com";
const PAGE = 300;
const REFUSALS = new Set([
  "ALREADY_EXISTS", "PERMISSION_DENIED", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE",
]);

/** @typedef {{ id: string, message: object, creates: boolean }} Write */

export class FirestoreTransport {
  /**
   * @param {import("./pairing.js").FirestoreKey} key
   * @param {{ personOf: (eventId: string) => Promise<string>, fetcher?: typeof fetch, now?: () => number }} options
   *   personOf: whose event it was.
   */
  constructor(key, { personOf, fetcher = (...given) => fetch(...given), now = Date.now }) {
    this._key = key;
    this._personOf = personOf;
    this._gallery = null;
    this._zone = "UTC";
    this._fetch = fetcher;
    this._now = now;
    this._tokens = new IdTokens(key, fetcher);
    this._database = `projects/${key.project}/databases/(default)`;
    this._address = `${key.emulators?.firestore ?? GOOGLE}/v1/${this._database}/documents`;
  }

  /** Writes and reads are paid for. */
  get heartbeatEveryMs() {
    return 300_000;
  }

  /** The camera's configuration, as the dashboard gives it. Raises DeliveryError. */
  async config() {
    await this._requireInService();
    const site = await this._site();
    await this._refresh();
    const { embedder, people, version } = this._gallery;
    return {
      schema: 1,
      site_id: this._key.site_id,
      site_name: site.name ?? this._key.site_id,
      zone: this._zone,
      camera_id: this._key.camera_id,
      name: this._key.camera_id,
      role: "room",
      now: this._serverNow,
      settings: settingsOf(site.settings ?? {}, embedder, people.length),
      embedder,
      keep_gallery: false,
      gallery_version: version,
    };
  }

  /**
   * The people to recognise, null where they are those of `version` still. Nothing of it may be kept. Raises DeliveryError.
   * @param {string | null} version
   */
  async gallery(version) {
    await this._site();
    await this._refresh();
    return this._gallery.version === version ? null : { gallery: this._gallery, sealed: null };
  }

  /**
   * Send records. Raises DeliveryError where they cannot be sent for now; what was sent may be sent again.
   * @param {import("./outbox.js").Body} body
   */
  async send(body) {
    this._serverNow = undefined; // that of an earlier answer would make the clock look fast
    const writes = await this._writes(body);
    const rejected = writes.length ? await this._commit(writes) : [];
    if (rejected.length && rejected.length === writes.length && rejected.every((each) => each.denied)) {
      await this._requireInService();
      throw new DeliveryError("Firestore denies this camera access", {
        fix: "Deploy config/firestore.rules, and check that the key is of this site and camera.",
        retryable: true,
      });
    }
    if (body.heartbeat) await this._requireInService();
    const galleryVersion = body.heartbeat ? await this._galleryVersion() : undefined;
    return { rejected, now: this._serverNow, galleryVersion };
  }

  async _writes({ events, matches, corrections, heartbeat }) {
    const site = this._key.site_id;
    const named = matches.filter((each) => each.person_id !== null);
    const created = (collection, id, fields) => this._write(pathOf(site, collection, id), id, fields, true);
    const writes = [
      ...events.map((each) => created("events", each.event_id, eventFields(each))),
      ...named.map((each) => created("matches", each.match_id, matchFields(each))),
    ];
    for (const each of corrections) {
      const sent = events.find((event) => event.event_id === each.event_id);
      const personId = (each.event ?? sent)?.person_id ?? (await this._personOf(each.event_id));
      const path = pathOf(site, "corrections", each.correction_id);
      writes.push(this._write(path, each.correction_id, correctionFields(each, personId), false));
    }
    if (heartbeat) {
      const id = heartbeatId(heartbeat.camera_id, heartbeat.at);
      writes.push(created("heartbeats", id, heartbeatFields(heartbeat)));
    }
    return writes;
  }

  /** @returns {Write} */
  _write(path, id, fields, creates) {
    const message = {
      update: { name: `${this._database}/documents/${path}`, fields },
      updateTransforms: [{ fieldPath: "received_at", setToServerValue: "REQUEST_TIME" }],
    };
    if (creates) message.currentDocument = { exists: false };
    return { id, message, creates };
  }

  /** All writes in one request, else by halves; returns those that are refused for good. */
  async _commit(writes) {
    const response = await this._asked(":commit", { writes: writes.map((each) => each.message) });
    if (response.ok) {
      this._serverNow = (await objectOf(response)).commitTime;
      return [];
    }
    const { status, message } = await errorOf(response);
    if (!REFUSALS.has(status)) throw failure(response.status, status, message);
    if (writes.length > 1) {
      const middle = Math.floor(writes.length / 2);
      return [...(await this._commit(writes.slice(0, middle))), ...(await this._commit(writes.slice(middle)))];
    }
    const [write] = writes;
    if (status === "ALREADY_EXISTS" && write.creates) return [];
    return [{ id: write.id, reason: `${status}: ${message}`.slice(0, 200), denied: status === "PERMISSION_DENIED" }];
  }

  /** Raises DeliveryError where this device was revoked; a token outlives it by up to an hour. */
  async _requireInService() {
    const document = await this._get(pathOf(this._key.site_id, "devices", this._key.uid));
    if (document !== null && plain(document).revoked_at === null) return;
    throw new DeliveryError("The key of this camera was revoked", {
      fix: "Register this camera again with 'footfall cloud register-device'.",
      revoked: true,
    });
  }

  async _site() {
    const site = plain(await this._get(pathOf(this._key.site_id)));
    this._zone = site.time_zone ?? "UTC";
    return site;
  }

  /** Read the people again where they may have changed. Their vectors are of the network that most of them have. */
  async _refresh() {
    const version = await this._galleryVersion();
    if (this._gallery?.version === version) return;
    const today = this._today();
    const found = [];
    for (const document of await this._listed("people")) {
      const person = plain(document);
      if (person.kind !== "enrolled" || !person.consented_at || person.merged_into) continue;
      const person_id = recordId(document.name.split("/").at(-1));
      const embeddings = (await this._listed("people", person_id, "embeddings")).map(plain);
      found.push({ person_id, name: person.name, authorised: isAuthorised(person, today), embeddings });
    }
    const models = found.flatMap((each) => each.embeddings.map(({ model }) => model));
    const embedder = mostCommon(Object.keys(EMBEDDERS), models);
    const people = found.map(({ embeddings, ...person }) => {
      const own = embeddings.filter((each) => each.model === embedder);
      return { ...person, vectors: own.map((each) => vectorOf(each.vector)) };
    });
    this._gallery = { version, embedder, people: people.filter((each) => each.vectors.length) };
  }

  _today() {
    return dayIn(this._zone, this._now());
  }

  /** When people changed last, or were forgotten; with the day, as people are valid for days. */
  async _galleryVersion() {
    const parts = [this._today()];
    for (const collectionId of ["people", "forgotten"]) {
      const query = {
        from: [{ collectionId }],
        select: { fields: [{ fieldPath: "received_at" }] },
        orderBy: [{ field: { fieldPath: "received_at" }, direction: "DESCENDING" }],
        limit: 1,
      };
      const [newest] = await this._query(pathOf(this._key.site_id), query);
      parts.push(newest?.fields.received_at?.timestampValue ?? "");
    }
    return parts.join("/");
  }

  /** Every document of a collection, which is the last name of a path. */
  async _listed(...names) {
    const documents = [];
    const [collectionId] = names.splice(-1);
    const query = { from: [{ collectionId }], orderBy: [{ field: { fieldPath: "__name__" } }], limit: PAGE };
    for (;;) {
      const page = await this._query(pathOf(this._key.site_id, ...names), query);
      documents.push(...page);
      if (page.length < PAGE) return documents;
      query.startAt = { values: [{ referenceValue: page.at(-1).name }], before: false };
    }
  }

  /** The documents that a query below a document finds. */
  async _query(path, query) {
    const found = await this._list(path, ":runQuery", { structuredQuery: query });
    this._serverNow = found[0]?.readTime ?? this._serverNow;
    return found.flatMap((each) => each.document ?? []);
  }

  /** What a method that streams answers. */
  async _list(path, method, content) {
    const response = await this._asked(`/${inAddress(path)}${method}`, content);
    const found = await response.json().catch(() => null);
    if (!response.ok || !Array.isArray(found)) throw failure(response.status, ...reasonOf(found));
    return found;
  }

  /** One document, null where there is none. */
  async _get(path) {
    const response = await this._asked(`/${inAddress(path)}`);
    const found = await objectOf(response);
    if (response.status === 404) return null;
    if (!response.ok) throw failure(response.status, ...reasonOf(found));
    return found;
  }

  async _asked(path, content) {
    const headers = { Authorization: `Bearer ${await this._tokens.token()}`, "Content-Type": "application/json" };
    const options = content === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(content) };
    const response = await answer(this._fetch, `${this._address}${path}`, options);
    if (response.status === 401) this._tokens.drop();
    return response;
  }
}

/** The choice that is found most often; the first of equals. */
function mostCommon(choices, found) {
  const counts = choices.map((choice) => found.filter((each) => each === choice).length);
  return choices[counts.indexOf(Math.max(...counts))];
}

function isAuthorised(person, today) {
  return person.access && (person.valid_from ?? "") <= today && today <= (person.valid_until ?? "9999");
}

/** The day in a time zone, as YYYY-MM-DD. */
function dayIn(timeZone, ms) {
  const format = new Intl.DateTimeFormat("en", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  const parts = format.formatToParts(ms);
  const part = (type) => parts.find((each) => each.type === type).value;
  return `${part("year")}-${part("month")}-${part("day")}`;
}

async function errorOf(response) {
  const [status, message] = reasonOf(await response.json().catch(() => null));
  return { status, message };
}

/** Status and message of Google's JSON of an error, which a stream puts into a list. */
function reasonOf(content) {
  const error = (Array.isArray(content) ? content[0] : content)?.error;
  return [error?.status ?? "UNKNOWN", error?.message ?? ""];
}

function failure(code, status, message) {
  const text = `${status}: ${message}`.slice(0, 200);
  const retryable = mayRetry(code) || status === "ABORTED" || code === 401;
  const fix = retryable ? RETRIED : "Check the project and the rules that are deployed (docs/firebase.md).";
  return new DeliveryError(`Firestore answered ${text}`, { fix, retryable, status: code });
}
