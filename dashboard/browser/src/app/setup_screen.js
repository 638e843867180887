/** Set-up: which camera, what it watches, and for a door the line. */
import { CameraStream } from "./camera_stream.js";
import { element, showProblem } from "./elements.js";
import { LineEditor, sidesOf } from "./line_editor.js";

const ROLES = ["room", "door", "entrance", "exit"];

export class SetUpScreen {
  /**
   * @param {HTMLVideoElement} video
   * @param {(setUp: { deviceId: string, role: object }) => void} onStart
   */
  constructor(video, onStart) {
    this._video = video;
    this._stream = new CameraStream(video, { onLost: (error) => this._fail(error) });
    this._editor = new LineEditor(video, () => this._followLine());
    this._form = element("setup-form");
    this._onStart = onStart;
    this._form.addEventListener("submit", (event) => this._submit(event));
    this._form.addEventListener("change", () => this._follow());
    element("setup-open").addEventListener("click", () => this._open());
    element("setup-device").addEventListener("change", ({ target }) => this._open(target.value));
  }

  /** Show it. setUp: the last one, undefined for none. */
  async show(config, setUp) {
    this._config = config;
    this._deviceId = setUp?.deviceId ?? "";
    const role = setUp?.role ?? { kind: config.role };
    this._form.elements.role.value = ROLES.includes(role.kind) ? role.kind : "room";
    if (role.line) this._editor.line = role.line.map((point) => [...point]);
    if (role.inside) this._editor.inside = role.inside;
    element("setup-title").textContent = `Set up ${config.name}`;
    this._isOpen = false;
    this._follow();
    if (await isAllowed()) await this._open();
  }

  close() {
    this._stream.close();
  }

  async _open(deviceId = this._deviceId) {
    const button = element("setup-open");
    button.disabled = true;
    try {
      await this._stream.open(deviceId);
      showProblem("setup-problem", null);
      this._isOpen = true;
      this._deviceId = this._stream.deviceId;
      await this._offerDevices();
    } catch (error) {
      this._fail(error);
    } finally {
      button.disabled = false;
    }
    this._follow();
  }

  _fail({ problem, fix }) {
    if (problem === undefined) return;
    this._isOpen = false;
    showProblem("setup-problem", problem, fix);
    this._follow();
  }

  async _offerDevices() {
    const devices = await CameraStream.devices();
    const options = devices.map(({ deviceId, label }, index) => new Option(label || `Camera ${index + 1}`, deviceId));
    element("setup-device").replaceChildren(...options);
    element("setup-device").value = this._deviceId;
    element("setup-device-field").hidden = devices.length < 2;
  }

  /** Show what belongs to the chosen role. */
  _follow() {
    const kind = this._form.elements.role.value;
    const isDoor = kind === "door";
    element("setup-empty").hidden = this._isOpen;
    this._editor.hidden = !(isDoor && this._isOpen);
    element("setup-inside").hidden = element("setup-line-hint").hidden = !isDoor;
    const exitAfter = element("setup-exit-after");
    exitAfter.hidden = kind !== "room";
    const seconds = this._config.settings.presence.exit_after_s;
    exitAfter.textContent = `Somebody who is out of sight for ${seconds} seconds has left.`;
    if (this._form.elements.inside.value) this._editor.inside = this._form.elements.inside.value;
    this._followLine();
    element("setup-start").textContent = this._isOpen ? "Start" : "Turn on the camera";
  }

  /** Offer the sides that the line parts. */
  _followLine() {
    const sides = sidesOf(this._editor.line);
    if (!sides.includes(this._editor.inside)) [this._editor.inside] = sides.slice(-1);
    for (const input of this._form.elements.inside) {
      input.closest("label").hidden = !sides.includes(input.value);
      input.checked = input.value === this._editor.inside;
    }
    this._editor.draw();
  }

  _submit(event) {
    event.preventDefault();
    if (!this._isOpen) return this._open();
    const kind = this._form.elements.role.value;
    const { line, inside } = this._editor;
    const role = kind === "door" ? { kind, line, inside } : { kind };
    return this._onStart({ deviceId: this._deviceId, role });
  }
}

/** Whether the camera is allowed already, so that asking for it shows no prompt. */
async function isAllowed() {
  try {
    return (await navigator.permissions.query({ name: "camera" })).state === "granted";
  } catch {
    return false; // a browser that does not know this permission
  }
}
