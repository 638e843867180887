/** The worker of the page: frames in, records into the outbox, and what is to be drawn back to the page. */
import { Camera } from "../agent/camera.js";
import { openDatabase } from "../delivery/database.js";
import { isKnown } from "../delivery/gallery.js";
import { Outbox } from "../delivery/outbox.js";
import { STATE, Values, WATCH } from "../delivery/values.js";
import { FaceEngine } from "../vision/engine.js";
import { overHeartbeat, Watch } from "./watch.js";

/** Without records, what a restart continues from is written so often. */
const SAVE_EVERY_MS = 2_000;
const NOTHING = { events: [], matches: [], corrections: [] };

class FrameWorker {
  /** Loads the networks and continues from what an earlier page left. */
  static async start({ about, config, role, gallery, baseUrl, frames }) {
    const database = await openDatabase();
    const values = new Values(database);
    const [state, span] = [await values.get(STATE), await values.get(WATCH)];
    const engine = await FaceEngine.load({ baseUrl, embedder: config.embedder, settings: config.settings });
    const camera = new Camera({
      camera: { siteId: config.site_id, cameraId: config.camera_id },
      role,
      settings: config.settings,
      gallery: isKnown(gallery) ? gallery : null,
      state: state ?? null,
    });
    return new FrameWorker({ about, engine, camera, outbox: new Outbox(database), watch: new Watch(span ?? null, frames) });
  }

  constructor({ about, engine, camera, outbox, watch }) {
    this._about = about;
    this._engine = engine;
    this._camera = camera;
    this._outbox = outbox;
    this._watch = watch;
    this._savedMs = -Infinity;
    this._canvas = new OffscreenCanvas(1, 1);
    this._context = this._canvas.getContext("2d", { willReadFrequently: true });
  }

  /** Look at a frame; what it led to is on disk when this resolves. */
  async look({ bitmap, at }) {
    const startedMs = performance.now();
    const picture = this._pixels(bitmap);
    const found = await this._engine.detect(picture);
    const faces = await this._engine.examine(picture, found, this._camera.due(found, at));
    const { width, height } = picture;
    const outcome = this._camera.observe({ at, width, height, faces });
    const nowMs = performance.now();
    const over = this._watch.tick(at, nowMs);
    const heartbeat = over && overHeartbeat(over, this._about);
    await this._keep({ ...outcome, heartbeat }, nowMs);
    const boxes = faces.map((face, row) => ({ box: [...face.box], personId: outcome.tracks[row]?.person_id ?? null }));
    return { at, width, height, boxes, ...this._report(outcome, nowMs), ms: nowMs - startedMs };
  }

  async setGallery({ gallery }) {
    const outcome = this._camera.setGallery(gallery);
    await this._keep(outcome, performance.now());
    return this._report(outcome, performance.now());
  }

  /** No more frames for now: tracks are over, and who is in sight may still be there. */
  async pause() {
    const outcome = this._camera.pause();
    await this._keep(outcome, Infinity);
    return this._report(outcome, performance.now());
  }

  _pixels(bitmap) {
    const { width, height } = bitmap;
    if (this._canvas.width !== width || this._canvas.height !== height) Object.assign(this._canvas, { width, height });
    this._context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return this._context.getImageData(0, 0, width, height);
  }

  async _keep({ events, matches, corrections, heartbeat = null }, nowMs) {
    const hasRecords = events.length || matches.length || corrections.length || heartbeat;
    if (!hasRecords && nowMs - this._savedMs < SAVE_EVERY_MS) return;
    this._savedMs = nowMs;
    const found = { ...NOTHING, events, matches, corrections, heartbeat };
    await this._outbox.append({ ...found, state: this._camera.state(), watch: this._watch.span });
  }

  _report({ events, corrections, present }, nowMs) {
    const { span, frames } = this._watch;
    return { events, corrections, present, span, frames, fps: this._watch.fps(nowMs) };
  }
}

let worker = null;

const tasks = {
  start: async (given) => {
    worker = await FrameWorker.start(given);
    return {};
  },
  frame: (given) => worker.look(given),
  gallery: (given) => worker.setGallery(given),
  pause: () => worker.pause(),
};

let last = Promise.resolve();
self.onmessage = ({ data: { task, ...given } }) => {
  last = last.then(() => tasks[task](given)).then(
    (found) => self.postMessage({ task, ...found }),
    (error) => self.postMessage({ task, failure: String(error?.message ?? error) }),
  );
};
