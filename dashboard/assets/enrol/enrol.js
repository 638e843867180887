/* Takes the pictures of an enrolment: from the camera by themselves, or from files. The form is the server's. */
import { Camera, encoded, obstacle, pictureOf } from "./camera.js";
import { Hints } from "./hints.js";
import { Stage, element, icon } from "./stage.js";
import * as server from "./server.js";

const ENOUGH = 5;
const PAUSE_MS = 120;
const POLL_MS = 700;
const FRAME_QUALITY = 0.85;
const DOUBT_MS = 1000; // so often the server looks at frames in which the page finds no face: it has two detectors
const STEADY = 2; // a hint is shown when so many frames in a row give it
const RELOADED = "footfall-enrol-reloaded";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Enrolment {
  #root;
  #stage;
  #camera;
  #id = null;
  #taken = new Map(); // poses by number
  #hints = null;
  #doubtedAt = 0;
  #running = null; // AbortController of the camera's loop
  #left = false;
  #hint = { name: "", times: 0 };

  constructor(root) {
    this.#root = root;
    this.#stage = new Stage(root, ENOUGH);
    this.#camera = new Camera(this.#stage.video);
    this.#tools();
    this.#offer();
    this.#listen();
    server.readiness().catch(() => {}); // so that the networks are loaded while the visitor reads
  }

  // -- what can be done

  #button(text, name, action, primary = false) {
    return element("button", {
      type: "button",
      class: primary ? "button button-main" : "button",
      children: [icon(name), text],
      on: { click: action },
    });
  }

  #offer() {
    const start = this.#button("Start the camera", "camera", () => this.#start(), true);
    this.#stage.show("idle", {
      title: "Take the pictures",
      text: "Five are taken by themselves: from the front, turned a little to each side. It takes a few seconds.",
      buttons: [start],
    });
  }

  #tools() {
    const choose = this.#chooser("Upload pictures", "upload", { multiple: true });
    const take = this.#chooser("Take a photo", "camera", { capture: "user" });
    take.classList.add("enrol-capture");
    this.#stop = this.#button("Stop the camera", "close", () => this.#halt());
    this.#stop.hidden = true;
    this.#stage.tools.replaceChildren(choose, take, this.#stop);
  }

  #stop;

  #chooser(text, name, attributes) {
    const input = element("input", { type: "file", class: "visually-hidden", accept: "image/*", ...attributes });
    input.addEventListener("change", async () => {
      await this.#upload([...input.files]);
      input.value = "";
    });
    return element("label", { class: "button", children: [icon(name), text, input] });
  }

  #listen() {
    const view = this.#stage.view;
    const over = (event, on) => {
      event.preventDefault();
      view.classList.toggle("enrol-over", on);
    };
    view.addEventListener("dragover", (event) => over(event, true));
    view.addEventListener("dragleave", (event) => over(event, false));
    view.addEventListener("drop", (event) => {
      over(event, false);
      this.#upload([...event.dataTransfer.files].filter((file) => file.type.startsWith("image/")));
    });
    const watch = new MutationObserver(() => {
      if (this.#root.isConnected) return;
      watch.disconnect();
      this.#leave();
    });
    watch.observe(document.getElementById("page"), { childList: true, subtree: true });
    window.addEventListener("pagehide", () => this.#leave());
    window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  }

  // -- the server's side

  async #begun() {
    if (this.#id === null) {
      this.#id = await server.begin(this.#root.dataset.person || null);
      this.#publish();
    }
    return this.#id;
  }

  /* The form saves the pictures of the enrolment that it reads here. */
  #publish() {
    if (this.#left) return;
    window.dash_clientside.set_props("enrol-run", { data: { id: this.#id, shots: [...this.#taken.keys()] } });
    this.#stage.progress(this.#taken.size);
  }

  /* Wait until the networks are there. Throws Refused where they cannot be. */
  async #prepared(signal) {
    for (;;) {
      const found = await server.readiness(signal);
      if (found.state === "ready") return;
      if (found.state === "failed") throw new server.Refused(503, found);
      await pause(POLL_MS);
      signal.throwIfAborted();
    }
  }

  /* Whether the server looks at frames by now, or why it cannot. */
  #preparing(signal) {
    const recognition = { ready: false, problem: null, prepared: this.#prepared(signal) };
    recognition.prepared.then(() => (recognition.ready = true), (error) => (recognition.problem = error));
    return recognition;
  }

  /* The enrolment ended on the server: what was taken is gone there. */
  #forget() {
    this.#id = null;
    this.#taken.clear();
    this.#stage.clear();
    this.#publish();
  }

  #leave() {
    if (this.#left) return;
    this.#left = true;
    this.#running?.abort();
    this.#camera.close();
    this.#hints?.close();
    if (this.#id !== null) server.end(this.#id).catch(() => {});
  }

  // -- the camera

  async #start(device) {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    if (!navigator.mediaDevices?.getUserMedia) return this.#blocked(null);
    this.#stage.show("waiting", { title: "Starting the camera…" });
    try {
      await this.#camera.open(device, () => this.#halt());
    } catch (error) {
      return this.#blocked(error);
    }
    if (this.#left || running.signal.aborted) return this.#camera.close();
    this.#stage.mirror(this.#camera.mirrored);
    this.#stop.hidden = false;
    await this.#offerSwitch();
    try {
      this.#stage.show("waiting", { title: "Preparing recognition…", text: "This takes a moment the first time." });
      const recognition = this.#preparing(running.signal);
      if (!(await this.#hinting(running.signal))) await recognition.prepared;
      const id = await this.#begun();
      this.#stage.show("live");
      await this.#watch(id, recognition, running.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.#failed(error);
    }
  }

  #blocked(error) {
    this.#closeCamera();
    const again = this.#button("Try again", "camera", () => this.#start());
    this.#stage.show("blocked", { ...obstacle(error), buttons: window.isSecureContext ? [again] : [] });
  }

  #failed(error) {
    this.#closeCamera();
    if (error.status === 404) this.#forget();
    const again = this.#button("Try again", "camera", () => this.#start());
    this.#stage.show("blocked", { title: "The pictures cannot be looked at", text: error.message, buttons: [again] });
  }

  #closeCamera() {
    this.#running?.abort();
    this.#camera.close();
    this.#stop.hidden = true;
    this.#stage.corner.replaceChildren();
  }

  #halt() {
    this.#closeCamera();
    if (this.#taken.size < ENOUGH) this.#offer();
    else this.#done();
  }

  #done() {
    this.#closeCamera();
    const title = `${this.#taken.size} pictures are taken`;
    this.#stage.show("done", { title, text: "Fill in the form and save. Remove a picture to take another one." });
  }

  async #offerSwitch() {
    const { ids, open } = await this.#camera.devices();
    if (ids.length < 2) return;
    const next = ids[(open + 1) % ids.length];
    const button = element("button", {
      type: "button",
      class: "enrol-switch",
      "aria-label": "Use another camera",
      children: [icon("switch")],
      on: { click: () => this.#start(next) },
    });
    this.#stage.corner.replaceChildren(button);
  }

  /* Look at frames one after another until there are enough shots; the page alone while the server prepares. */
  async #watch(id, recognition, signal) {
    while (this.#taken.size < ENOUGH) {
      const seen = document.hidden ? null : this.#camera.frame();
      const promises = seen && (await this.#promises(seen));
      if (recognition.problem) throw recognition.problem;
      if (promises && recognition.ready) await this.#look(id, seen, signal);
      signal.throwIfAborted();
      await pause(PAUSE_MS);
      signal.throwIfAborted();
    }
    this.#done();
  }

  /* Whether hints come from this page. */
  async #hinting(signal) {
    const hints = this.#hints ?? (await Hints.start());
    if (this.#left) hints?.close();
    else this.#hints = hints;
    signal.throwIfAborted();
    return hints !== null;
  }

  /* Whether a frame may become a picture; where hints come from this page, it gives them. */
  async #promises(canvas) {
    const seen = await this.#hints?.look(canvas, [...this.#taken.values()]);
    if (!seen) {
      this.#hints = null;
      return true;
    }
    this.#stage.draw(seen.faces, canvas.width, canvas.height);
    if (!seen.promising) this.#advise(seen.hint, seen.words, false);
    const doubtful = !seen.faces.length && performance.now() - this.#doubtedAt > DOUBT_MS;
    if (doubtful) this.#doubtedAt = performance.now();
    return seen.promising || doubtful;
  }

  async #look(id, canvas, signal) {
    let found;
    try {
      found = await server.frame(id, await encoded(canvas, FRAME_QUALITY), signal);
    } catch (error) {
      if (!error.retry) throw error;
      this.#stage.advise("One moment…");
      return pause(POLL_MS);
    }
    this.#stage.draw(found.faces, canvas.width, canvas.height);
    if (found.shot) this.#take(found.shot, canvas, found.faces[0].box);
    this.#advise(found.hint, found.words, Boolean(found.shot));
  }

  #advise(name, words, now) {
    this.#hint = { name, times: this.#hint.name === name ? this.#hint.times + 1 : 1 };
    if (now || this.#hint.times >= STEADY) this.#stage.advise(words);
  }

  // -- pictures

  #take(shot, canvas, box) {
    this.#taken.set(shot.number, shot.side);
    this.#stage.add(shot, canvas, box, (number) => this.#remove(number));
    this.#publish();
  }

  async #remove(number) {
    try {
      await server.remove(this.#id, number);
    } catch (error) {
      return error.status === 404 ? this.#forget() : this.#stage.refuse(error.message);
    }
    this.#taken.delete(number);
    this.#stage.drop(number);
    this.#publish();
    if (this.#stage.view.dataset.state === "done") this.#offer();
  }

  async #upload(files) {
    if (!files.length) return;
    this.#closeCamera();
    const running = (this.#running = new AbortController());
    this.#stage.refused.replaceChildren();
    this.#stage.show("waiting", { title: "Looking at the pictures…" });
    try {
      await this.#prepared(running.signal);
      for (const file of files) await this.#send(file, running.signal);
      if (this.#taken.size < ENOUGH) this.#offer();
      else this.#done();
    } catch (error) {
      if (error.name !== "AbortError") this.#failed(error);
    }
  }

  async #send(file, signal) {
    try {
      const { canvas, blob } = await pictureOf(file);
      const { shot, faces } = await server.picture(await this.#begun(), blob, file.name, signal);
      this.#take(shot, canvas, faces[0].box);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 404) throw error;
      this.#stage.refuse(error.status === undefined ? `${file.name}: ${error.message}.` : error.message);
    }
  }
}

/* Browsers decide by the page that was loaded whether there may be a camera: from another page this one is loaded. */
function allowed() {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  return !policy || policy.allowsFeature("camera") || !window.isSecureContext;
}

export function mount() {
  const root = document.getElementById("enrol-stage");
  if (!root || root.childElementCount) return;
  if (!allowed() && sessionStorage.getItem(RELOADED) === null) {
    sessionStorage.setItem(RELOADED, "1");
    window.location.reload();
    return;
  }
  sessionStorage.removeItem(RELOADED);
  new Enrolment(root);
}
