/** The page of the browser camera: pair, set up, run. */
import { openDatabase } from "../delivery/database.js";
import { failureOf } from "../delivery/errors.js";
import { Outbox } from "../delivery/outbox.js";
import { keyOfFragment } from "../delivery/pairing.js";
import { Uploader } from "../delivery/uploader.js";
import { PAIRING, SET_UP, Values } from "../delivery/values.js";
import { withoutCameras } from "./camera_problems.js";
import { CameraRun } from "./camera_run.js";
import { Connection } from "./connection.js";
import { element, showProblem } from "./elements.js";
import { listenForKeys } from "./pairing_screen.js";
import { RunningScreen } from "./running_screen.js";
import { SetUpScreen } from "./setup_screen.js";
import { untilFilesAreKept, useNewestBuild } from "./updates.js";

const SCREENS = ["starting", "pairing", "problem", "setup", "running"];
const LOCK = "footfall-camera";
const LOCK_WAIT_MS = 2_000;
const VERSION = `browser ${new URL(import.meta.url).pathname.split("/").at(-1)}`;

class Page {
  /** Start with the key of the address, else with the one of the last time. */
  static async start() {
    const { key, problem } = takeKeyOfAddress();
    window.addEventListener("hashchange", () => window.location.reload()); // another link was opened in this tab
    const missing = withoutCameras(window);
    if (missing) return showFailure(missing);
    const isKept = await useNewestBuild();
    const database = await openDatabase(() => window.location.reload());
    const page = new Page(new Values(database), new Outbox(database), isKept);
    if (!(await isOnlyPage())) {
      return showFailure({ problem: "Another page of this browser is the camera", fix: "Close it, then reload this one." });
    }
    if (key) return page.pair(key);
    return page.open(problem);
  }

  constructor(values, outbox, isKept) {
    this._values = values;
    this._outbox = outbox;
    this._isKept = isKept;
    for (const each of document.querySelectorAll(".not-kept")) each.hidden = isKept;
    this._video = element("video");
    this._setUp = new SetUpScreen(this._video, (setUp) => this.run(setUp));
    this._running = new RunningScreen(this._video);
    this._run = null;
    listenForKeys((key) => this.pair(key));
    element("problem-retry").addEventListener("click", () => this.open());
    element("problem-unpair").addEventListener("click", () => this.unpair());
    element("setup-unpair").addEventListener("click", () => this.unpair());
    element("stop").addEventListener("click", () => this.stop());
    window.addEventListener("online", () => this._uploader?.wake({ networkIsBack: true }));
  }

  /** Become the camera of a key. What waits is of another camera, where the key is. */
  async pair(key) {
    const before = await this._values.get(PAIRING);
    if (before && idOf(before) !== idOf(key)) {
      const waiting = await this._outbox.waiting();
      const question = `This browser is another camera already, and ${waiting} of its records were not sent. Replace it?`;
      if (waiting && !window.confirm(question)) return this.open();
      await this._values.wipe();
    }
    await this._values.set(PAIRING, key);
    await navigator.storage?.persist?.();
    return this.open();
  }

  /** Connect, then go on where the last page stopped: set up, or run. */
  async open(problem = null) {
    this._show("starting");
    const key = await this._values.get(PAIRING);
    if (!key) return this._showPairing(problem);
    element("starting-text").textContent = "Connecting…";
    try {
      this._connection = await Connection.of(key, this._values, this._outbox);
      this._config = await this._connection.config();
      this._gallery = await this._connection.people(this._config);
    } catch (error) {
      return this._connectionFailed(error);
    }
    element("camera-name").textContent = this._config.name;
    element("site-name").textContent = this._config.site_name;
    this._startUploader();
    const setUp = await this._values.get(SET_UP);
    return setUp?.isRunning ? this.run(setUp) : this._showSetUp(setUp);
  }

  async run({ deviceId, role }) {
    this._setUp.close();
    await this._values.set(SET_UP, { deviceId, role, isRunning: true });
    this._show("running");
    if (this._isKept) await untilFilesAreKept();
    const { _config: config, _gallery: gallery, _video: video } = this;
    const { instance } = this._connection;
    this._run = new CameraRun({ config, role, gallery, deviceId, instance, version: VERSION, video });
    this._running.show(this._run, config, gallery);
    this._run.addEventListener("records", () => this._deliver());
    let state = "";
    this._run.addEventListener("change", () => {
      if (state === this._run.state) return;
      state = this._run.state;
      this._uploader.sendHeartbeat();
    });
    this._run.start();
    await this._showDelivery();
  }

  async stop() {
    const run = this._run;
    element("stop").disabled = true;
    await run.stop();
    element("stop").disabled = false;
    this._running.close();
    const setUp = { ...(await this._values.get(SET_UP)), isRunning: false };
    await this._values.set(SET_UP, setUp);
    this._uploader.sendHeartbeat();
    return this._showSetUp(setUp);
  }

  /** Forget the key, the people and everything else. */
  async unpair(problem = null) {
    const waiting = await this._outbox.waiting();
    const question = `${waiting} records were not sent yet, and would be lost. Go on?`;
    if (!problem && waiting && !window.confirm(question)) return;
    await this._end();
    await this._values.wipe();
    this._showPairing(problem);
  }

  async _connectionFailed(error) {
    if (error.problem === undefined) throw error;
    if (error.revoked) return this.unpair(error);
    showFailure(error);
    element("problem-buttons").hidden = false;
    return undefined;
  }

  async _end() {
    this._uploader?.stop();
    this._setUp.close();
    this._running.close();
    if (this._run && this._run.state !== "stopped") await this._run.stop();
    this._run = null;
  }

  // -- delivery

  _startUploader() {
    this._uploader?.stop();
    this._failure = null;
    this._uploader = new Uploader({
      outbox: this._outbox,
      transport: this._connection.transport,
      ready: () => this._connection.requireClock(),
      heartbeat: (outbox) => this._run?.heartbeat(outbox) ?? null,
      onAnswer: (answer) => this._answered(answer),
      onFailure: (failure) => this._failed(failure),
    });
    this._uploader.run();
  }

  _deliver() {
    this._uploader.wake();
    this._showDelivery();
  }

  async _answered({ now, galleryVersion }) {
    let failure = null;
    try {
      if (now) this._connection.followClock(now);
      if (galleryVersion && galleryVersion !== this._gallery.version) await this._renewPeople();
    } catch (error) {
      failure = failureOf(error);
    }
    this._failed(failure);
  }

  async _renewPeople() {
    const found = await this._connection.newerPeople(this._config, this._gallery.version);
    if (found === null) return;
    if (found.embedder !== this._config.embedder) return void window.location.reload(); // with the other network
    this._gallery = found;
    this._run?.setGallery(found);
    this._running.setGallery(found);
  }

  _failed(failure) {
    if (failure?.revoked) return void this.unpair(failure);
    this._failure = failure;
    this._showDelivery();
  }

  async _showDelivery() {
    if (!this._run) return;
    const [waiting, rejected] = await Promise.all([this._outbox.waiting(), this._outbox.rejected()]);
    this._running.setDelivery({ waiting, rejected, failure: this._failure });
  }

  // -- screens

  _showPairing(problem) {
    showProblem("pairing-problem", problem?.problem, problem?.fix);
    element("camera-name").textContent = "Footfall camera";
    element("site-name").textContent = "";
    this._show("pairing");
  }

  async _showSetUp(setUp) {
    this._show("setup");
    await this._setUp.show(this._config, setUp);
  }

  _show(screen) {
    showScreen(screen);
    const stage = element(`${screen}-stage`);
    (stage ?? document.body).prepend(element("picture"));
    if (this._video.srcObject) this._video.play().catch(() => {});
  }
}

function showScreen(screen) {
  for (const each of SCREENS) element(each).hidden = each !== screen;
  element("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** The screen of what keeps the page from being a camera. */
function showFailure({ problem, fix }) {
  element("problem-title").textContent = problem;
  element("problem-fix").textContent = fix;
  showScreen("problem");
}

/** The key in the address, which is taken out of it at once, so that neither history nor a picture of the screen has it. */
function takeKeyOfAddress() {
  const { hash, href } = window.location;
  if (!hash) return { key: null, problem: null };
  window.history.replaceState(null, "", href.split("#")[0]);
  try {
    return { key: keyOfFragment(hash, href), problem: null };
  } catch (error) {
    return { key: null, problem: error };
  }
}

/** Whether no other page of this browser is the camera; one that is being left gets a moment. */
function isOnlyPage() {
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(LOCK, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, held).catch(() => resolve(false));
  });
}

function idOf(key) {
  return key.kind === "dashboard" ? `${key.address} ${key.device_id}` : `${key.project} ${key.uid}`;
}

await Page.start();
