// An uploader in Node, with an outbox in memory and a dashboard that answers as it is told.
import { mock } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Backoff } from "../../../dashboard/browser/src/delivery/backoff.js";
import { DashboardTransport } from "../../../dashboard/browser/src/delivery/dashboard.js";
import { Connection } from "../../../dashboard/browser/src/app/connection.js";
import { DeliveryError } from "../../../dashboard/browser/src/delivery/errors.js";
import { Uploader } from "../../../dashboard/browser/src/delivery/uploader.js";

const KEY = { device_id: "d-1", secret: "s", address: "https://gym.example/camera/" };

class MemoryOutbox {
  /** failures: so many reads fail before one succeeds. */
  constructor(ids, failures) {
    this._ids = ids;
    this._rejected = [];
    this._failures = failures;
  }

  append(id) {
    this._ids.push(id);
  }

  async next(most) {
    if (this._failures-- > 0) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
    const keys = this._ids.slice(0, most);
    if (!keys.length) return null;
    const events = keys.map((each) => ({ event_id: each }));
    return { body: { events, matches: [], corrections: [], heartbeat: null }, keys, kinds: keys.map(() => "events") };
  }

  async acknowledge({ keys }, rejected) {
    this._ids = this._ids.filter((each) => !keys.includes(each));
    this._rejected.push(...rejected.map(({ id }) => id));
  }

  async waiting() {
    return this._ids.length;
  }

  async rejected() {
    return this._rejected;
  }
}

/**
 * What a connection says of the clock. steps: what happens, "start" of the page, an "answer", or records are "ready"; and by
 * how many minutes the dashboard's time differs from that of this device, null where it cannot be reached.
 * Returns the problem of each step, null for none, and how often the configuration was asked for.
 */
export async function clockOf({ steps }) {
  let [minutes, asked] = [0, 0];
  const now = () => new Date(Date.now() + 60_000 * minutes).toISOString();
  const fetcher = async (url) => {
    asked += 1;
    if (minutes === null) throw new TypeError("no network");
    return Object.defineProperty(Response.json({ now: now() }), "url", { value: url });
  };
  const values = new Map([["config", { now: "" }]]);
  const connection = new Connection(new DashboardTransport(KEY, { instance: "i", fetcher }), values, "i");
  const happens = {
    start: () => connection.config(),
    answer: async () => connection.followClock(now()),
    ready: () => connection.requireClock(),
  };
  const problems = [];
  for (const [what, difference] of steps) {
    minutes = difference;
    problems.push(await happens[what]().then(() => null, ({ problem }) => problem));
  }
  return { problems, asked };
}

/**
 * Uploads until there are no more answers. An answer: status and text of the dashboard's, null for none.
 * failures, unready: so many reads of the outbox fail, and so often nothing may be sent, at first.
 * Returns which events each request had, the failures, and what waits and is rejected at the end.
 */
export async function delivered({ ids, answers, failures = 0, unready = 0 }) {
  const outbox = new MemoryOutbox(ids, failures);
  const [sent, problems] = [[], []];
  const fetcher = async (url, { body }) => {
    sent.push(JSON.parse(body).events.map((each) => each.event_id));
    const answer = answers[sent.length - 1];
    if (sent.length === answers.length) uploader.stop();
    if (answer === null) throw new TypeError("no network");
    const [status, text] = answer;
    return Object.defineProperty(new Response(text, { status }), "url", { value: url });
  };
  const uploader = new Uploader({
    outbox,
    transport: new DashboardTransport(KEY, { instance: "i", fetcher }),
    ready: async () => {
      if (unready-- > 0) throw new DeliveryError("not ready", { fix: "wait" });
    },
    heartbeat: () => null,
    onFailure: (failure) => problems.push(failure?.problem ?? null),
    backoff: new Backoff({ firstMs: 1, longestMs: 1 }),
  });
  const timer = setTimeout(() => uploader.stop(), 3_000); // where nothing is sent again
  await uploader.run();
  clearTimeout(timer);
  return { sent, problems, waiting: await outbox.waiting(), rejected: await outbox.rejected() };
}

const AWAY_S = 3600;

/**
 * The network is away for an hour of the uploader's time. A record is appended every ten seconds, the page is loaded again
 * in the middle, and the answer to the first request that arrives is lost; pauses are as long as they can be.
 * Returns the events that were appended, those of each request that arrived, how many wait at the end, and after how many
 * seconds with network the first request arrived and the last event was acknowledged.
 */
export async function deliveredAfterAnHourAway() {
  mock.timers.enable({ apis: ["setTimeout"] });
  const outbox = new MemoryOutbox([], 0);
  const [appended, arrived] = [[], []];
  let [second, firstAfterS] = [0, null];
  const fetcher = async (url, { body }) => {
    if (second < AWAY_S) throw new TypeError("no network");
    firstAfterS ??= second - AWAY_S;
    arrived.push(JSON.parse(body).events.map((each) => each.event_id));
    if (arrived.length === 1) throw new TypeError("the answer was lost");
    return Object.defineProperty(Response.json({ rejected: [] }), "url", { value: url });
  };
  const started = () => {
    const transport = new DashboardTransport(KEY, { instance: "i", fetcher });
    const uploader = new Uploader({ outbox, transport, heartbeat: () => null, backoff: new Backoff({ random: () => 1 }) });
    uploader.run();
    return uploader;
  };
  let uploader = started();
  for (; second < AWAY_S || ((await outbox.waiting()) && second < 2 * AWAY_S); second += 1) {
    if (second === AWAY_S / 2) {
      uploader.stop();
      uploader = started();
    }
    if (second < AWAY_S && second % 10 === 0) {
      appended.push(`e-${second}`);
      outbox.append(`e-${second}`);
      uploader.wake();
    }
    mock.timers.tick(1000);
    await setImmediate();
  }
  uploader.stop();
  mock.timers.reset();
  return { appended, arrived, waiting: await outbox.waiting(), firstAfterS, allAfterS: second - AWAY_S };
}
