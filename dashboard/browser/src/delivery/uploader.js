/** Sends what the outbox holds, in order, and heartbeats; retries for as long as it takes. */
import { Backoff } from "./backoff.js";
import { failureOf } from "./errors.js";
import { halves } from "./outbox.js";

const MOST_RECORDS = 200;
/** The request itself is refused: one of its records may be why. */
const REFUSED = new Set([400, 413, 422]);
const EMPTY = { body: { events: [], matches: [], corrections: [], heartbeat: null }, keys: [], kinds: [] };

export class Uploader {
  /**
   * @param {{ outbox: import("./outbox.js").Outbox,
   *           transport: { heartbeatEveryMs: number, send: (body: object) => Promise<object> },
   *           heartbeat: (waiting: { backlog: number, rejected: number }) => object | null, ready?: () => Promise<void>,
   *           onAnswer?: (answer: object) => void, onFailure?: (error: import("./errors.js").DeliveryError | null) => void,
   *           backoff?: Backoff }} parts
   *   heartbeat: the camera's heartbeat of this moment, null where it has none. ready: awaited before each request; raises
   *   DeliveryError where nothing may be sent for now. onAnswer: called after each request that
   *   succeeded. onFailure: called with each failure, and with null after the success that ends it.
   */
  constructor(parts) {
    this._outbox = parts.outbox;
    this._transport = parts.transport;
    this._heartbeat = parts.heartbeat;
    this._ready = parts.ready ?? (async () => {});
    this._onAnswer = parts.onAnswer ?? (() => {});
    this._onFailure = parts.onFailure ?? (() => {});
    this._backoff = parts.backoff ?? new Backoff();
    this._everyMs = parts.transport.heartbeatEveryMs;
    this._heartbeatAtMs = -Infinity;
    this._running = false;
    this._isWoken = false;
    this._endPause = () => {};
  }

  /** Send until `stop`; resolves then, or after the key was revoked. */
  async run() {
    this._running = true;
    while (this._running) {
      let pauseMs;
      this._isWoken = false;
      try {
        const more = await this.step();
        if (this._backoff.failures) this._onFailure(null);
        this._backoff.reset();
        pauseMs = more ? 0 : Math.max(0, this._heartbeatAtMs + this._everyMs - performance.now());
      } catch (error) {
        const failure = failureOf(error);
        this._onFailure(failure);
        if (failure.revoked) return;
        pauseMs = this._backoff.nextMs();
      }
      if (pauseMs && !this._isWoken) await this._pause(pauseMs);
    }
  }

  /** There is something to send. A pause after a failure is not cut short, unless the network is back. */
  wake({ networkIsBack = false } = {}) {
    if (!networkIsBack && this._backoff.failures) return;
    this._isWoken = true;
    this._endPause();
  }

  /** Send a heartbeat with the next request, which is made at once. */
  sendHeartbeat() {
    this._heartbeatAtMs = -Infinity;
    this.wake();
  }

  stop() {
    this._running = false;
    this._isWoken = true;
    this._endPause();
  }

  /** One request, if there is anything to send. Returns whether more waits. Raises DeliveryError. */
  async step() {
    const batch = await this._outbox.next(MOST_RECORDS);
    const due = !batch?.body.heartbeat && performance.now() >= this._heartbeatAtMs + this._everyMs;
    if (due) this._heartbeatAtMs = performance.now(); // before the request: one that is asked for meanwhile is next
    try {
      await this._sendWith(batch, due ? this._heartbeat(await this._counts(batch)) : null);
    } catch (error) {
      if (due) this._heartbeatAtMs = -Infinity;
      throw error;
    }
    if (batch === null) return false;
    return (await this._outbox.waiting()) > 0;
  }

  async _sendWith(batch, heartbeat) {
    if (batch === null && heartbeat === null) return;
    const { body, ...rest } = batch ?? EMPTY;
    await this._ready();
    await this._send({ ...rest, body: { ...body, heartbeat: body.heartbeat ?? heartbeat } });
  }

  /** What of the outbox a heartbeat reports, without the batch that goes with it. */
  async _counts(batch) {
    const [backlog, rejected] = await Promise.all([this._outbox.waiting(), this._outbox.rejected()]);
    return { backlog: backlog - (batch?.keys.length ?? 0), rejected: rejected.length };
  }

  /** Send a batch, by halves where the request is refused; one record that is refused alone is rejected for good. */
  async _send(batch) {
    let answer;
    try {
      answer = await this._transport.send(batch.body);
    } catch (error) {
      if (!REFUSED.has(error.status)) throw error;
      return this._sendApart(batch, error);
    }
    await this._outbox.acknowledge(batch, answer.rejected);
    this._onAnswer(answer);
  }

  async _sendApart(batch, error) {
    if (!batch.keys.length) throw error;
    const parts = halves(batch);
    if (parts) {
      for (const part of parts) await this._send(part);
      return;
    }
    const { events, matches, corrections } = batch.body;
    const [record] = [...events, ...matches, ...corrections];
    const id = record?.event_id ?? record?.match_id ?? record?.correction_id;
    await this._outbox.acknowledge(batch, id ? [{ id, reason: error.problem }] : []);
  }

  _pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this._endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => (this._endPause = () => {}));
  }
}
