/** The picture of a camera in a <video>, opened again when it is lost. */
import { Backoff } from "../delivery/backoff.js";
import { cameraError } from "./camera_problems.js";

const SIZE = { width: { ideal: 960 }, height: { ideal: 540 }, frameRate: { ideal: 15 } };

export class CameraStream {
  /**
   * @param {HTMLVideoElement} video
   * @param {{ onLost?: (error: import("./camera_problems.js").CameraError) => void, onBack?: () => void }} [options]
   *   onLost: no pictures come; it is opened again. onBack: they come again.
   */
  constructor(video, { onLost = () => {}, onBack = () => {} } = {}) {
    this._video = video;
    this._onLost = onLost;
    this._onBack = onBack;
    this._backoff = new Backoff({ longestMs: 15_000 });
    this._stream = null;
    this._timer = 0;
    this._opening = 0;
  }

  /** Id of the camera that is open, "" for none. */
  get deviceId() {
    return this._stream?.getVideoTracks()[0]?.getSettings().deviceId ?? "";
  }

  /**
   * Open a camera: that of the id, where it is there, else the one at the back of the device.
   * Raises CameraError.
   * @param {string} deviceId "" for any
   */
  async open(deviceId) {
    const opening = ++this._opening;
    this._end();
    this._wanted = deviceId;
    const which = deviceId ? { deviceId: { ideal: deviceId } } : { facingMode: { ideal: "environment" } };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...SIZE, ...which } });
    } catch (error) {
      throw cameraError(error, navigator.userAgent);
    }
    if (opening !== this._opening) return stop(stream); // closed, or another one was opened meanwhile
    this._stream = stream;
    this._follow(stream.getVideoTracks()[0]);
    this._video.srcObject = stream;
    await this._video.play().catch(() => {}); // a page in the background plays when it is back
  }

  /** Open it again whenever it is lost, until `close`. */
  async keepOpen(deviceId) {
    try {
      await this.open(deviceId);
      this._backoff.reset();
      this._onBack();
    } catch (error) {
      this._lose(error);
    }
  }

  close() {
    this._opening++;
    this._end();
    this._video.srcObject = null;
  }

  /** The cameras of the device. Labels are known once one was allowed. */
  static async devices() {
    const found = await navigator.mediaDevices.enumerateDevices();
    return found.filter((each) => each.kind === "videoinput" && each.deviceId);
  }

  _follow(track) {
    track.onended = () => this._lose(cameraError({ name: "AbortError" }, navigator.userAgent));
  }

  _lose(error) {
    this._onLost(error);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.keepOpen(this._wanted), 500 + this._backoff.nextMs());
  }

  _end() {
    clearTimeout(this._timer);
    const track = this._stream?.getVideoTracks()[0];
    if (track) track.onended = null;
    if (this._stream) stop(this._stream);
    this._stream = null;
  }
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
