/** A camera that runs: the stream, the worker that looks at its frames, and what the page shows of it. */
import { Backoff } from "../delivery/backoff.js";
import { timeText } from "../presence/events.js";
import { CameraStream } from "./camera_stream.js";
import { FramePump } from "./frame_pump.js";
import { WakeLock } from "./wake_lock.js";
import { watchFields } from "./watch.js";

/** Without a frame for so long, in front, the stream is opened again. */
const STUCK_AFTER_MS = 10_000;
const TICK_MS = 1_000;

/**
 * @typedef {{ at: number, width: number, height: number, boxes: { box: number[], personId: string | null }[] }} LookedAt
 * @typedef {{ config: object, role: object, gallery: object, deviceId: string, instance: string, version: string,
 *   video: HTMLVideoElement }} Options
 */

export class CameraRun extends EventTarget {
  /**
   * Events of it: "change" (state, problem, present), "looked" (detail: LookedAt), "records" (detail: events, corrections).
   * @param {Options} options
   */
  constructor(options) {
    super();
    this._options = options;
    this.state = "starting";
    this.problem = null;
    this.present = [];
    this.fps = 0;
    this.hiddenMs = 0;
    this._startedAt = Date.now() * 1000;
    this.frames = 0;
    this._span = null;
    this._wakeLock = new WakeLock();
    this._workerBackoff = new Backoff({ longestMs: 30_000 });
    this._stream = new CameraStream(options.video, {
      onLost: (error) => this._lose(error.problem, error.fix),
      onBack: () => this._pump.next(),
    });
    this._pump = new FramePump(options.video, (bitmap, at) => {
      this._worker.postMessage({ task: "frame", bitmap, at }, [bitmap]);
    });
    this._onVisibility = () => this._turn(document.visibilityState === "visible");
  }

  /** Whether the browser keeps the screen on. */
  get keepsScreenOn() {
    return this._wakeLock.isHeld;
  }

  start() {
    document.addEventListener("visibilitychange", this._onVisibility);
    this._timer = setInterval(() => this._tick(), TICK_MS);
    this._wakeLock.hold();
    this._stream.keepOpen(this._options.deviceId);
    this._startWorker();
  }

  /** Stop; resolves once the last records are in the outbox. */
  async stop() {
    this.state = "stopped";
    document.removeEventListener("visibilitychange", this._onVisibility);
    clearInterval(this._timer);
    clearTimeout(this._restart);
    this._pump.stop();
    this._stream.close();
    await this._wakeLock.release();
    if (this._isReady) await this._asked({ task: "pause" });
    this._worker.terminate();
  }

  /** Go on with these people. */
  setGallery(gallery) {
    this._options.gallery = gallery;
    this._worker.postMessage({ task: "gallery", gallery }); // a worker that starts takes it up afterwards
  }

  /** The heartbeat of this moment. @param {{ backlog: number, rejected: number }} outbox */
  heartbeat({ backlog, rejected }) {
    const { role } = this._options;
    return {
      ...this._about(),
      at: timeText(Date.now() * 1000),
      state: { starting: "lost", live: "live", lost: "lost", stopped: "stopped" }[this.state],
      started_at: timeText(this._startedAt),
      ...watchFields(this._span),
      fps: this.state === "live" ? this.fps : 0,
      frames: this.frames,
      dropped: 0,
      problem: this.problem?.problem ?? null,
      backlog,
      rejected,
      schema: 1,
      role,
      presences: this.present,
    };
  }

  _about() {
    const { config, instance, version } = this._options;
    return { camera_id: config.camera_id, machine_id: instance, version };
  }

  // -- the worker

  _startWorker() {
    const { config, role, gallery } = this._options;
    this._isReady = false;
    this._worker = new Worker(new URL(__WORKER__, document.baseURI), { type: "module" });
    this._worker.onerror = (event) => this._workerFailed(event.message || "the worker failed");
    this._worker.onmessage = ({ data }) => this._answered(data);
    const baseUrl = new URL("./", document.baseURI).href;
    const { frames } = this;
    this._worker.postMessage({ task: "start", about: this._about(), config, role, gallery, baseUrl, frames });
  }

  _answered({ task, failure, ...found }) {
    if (failure !== undefined) return this._workerFailed(failure);
    if (this.state === "stopped") return undefined;
    if (task === "start") {
      this._isReady = true;
      this._pump.start();
    } else {
      this._take(task, found);
    }
    return undefined;
  }

  _take(task, { at, width, height, boxes, events, corrections, present, span, frames, fps }) {
    Object.assign(this, { present, fps, frames, _span: span });
    if (events.length || corrections.length) this._emit("records", { events, corrections });
    if (task === "frame") {
      this._workerBackoff.reset();
      this._lookedMs = performance.now();
      this.state = "live";
      this.problem = null;
      this._emit("looked", { at, width, height, boxes });
      this._pump.next();
    }
    this._emit("change");
  }

  /** It restarts from what is on disk: what it was looking at is the only loss. */
  _workerFailed(message) {
    if (this.state === "stopped") return;
    this._pump.stop();
    this._worker.terminate();
    this._isReady = false;
    const isOffline = /fetch|network|load/i.test(message);
    this._lose("The networks for faces do not run", isOffline ? `They cannot be loaded (${message}).` : `${message}.`);
    this._restart = setTimeout(() => this._startWorker(), 1000 + this._workerBackoff.nextMs());
  }

  _asked(message) {
    return new Promise((resolve) => {
      this._worker.onmessage = ({ data }) => {
        if (data.task !== message.task) return;
        if (data.failure === undefined) this._take(data.task, data);
        resolve();
      };
      this._worker.postMessage(message);
      setTimeout(resolve, 5_000);
    });
  }

  // -- the page

  _lose(problem, fix) {
    if (this.state === "stopped") return;
    this.state = "lost";
    this.problem = { problem, fix };
    this._emit("change");
  }

  _tick() {
    const silentMs = performance.now() - (this._lookedMs ?? Infinity);
    if (this.state === "live" && document.visibilityState === "visible" && silentMs > STUCK_AFTER_MS) {
      this._lookedMs = undefined;
      this._lose("No pictures come from the camera", "It is opened again.");
      this._stream.keepOpen(this._options.deviceId);
    }
    this._emit("change");
  }

  /** Browsers give a page in the background no frames: a gap, which the rules know. */
  _turn(isVisible) {
    if (isVisible) {
      this.hiddenMs = this._hiddenSince ? Date.now() - this._hiddenSince : 0;
      this._lookedMs = performance.now();
      this._pump.next();
      this._emit("change");
    } else {
      this._hiddenSince = Date.now();
      if (this._isReady) this._worker.postMessage({ task: "pause" });
    }
  }

  _emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
