/** Frames of a video, one at a time: the next is taken when the last was looked at. */

export class FramePump {
  /**
   * @param {HTMLVideoElement} video
   * @param {(bitmap: ImageBitmap, at: number) => void} deliver at: microseconds since 1970
   */
  constructor(video, deliver) {
    this._video = video;
    this._deliver = deliver;
    this._running = false;
    this._request = 0;
  }

  start() {
    this._running = true;
    this.next();
  }

  stop() {
    this._running = false;
    this._video.cancelVideoFrameCallback(this._request);
  }

  /** Take the next frame that comes. */
  next() {
    if (!this._running) return;
    this._video.cancelVideoFrameCallback(this._request);
    this._request = this._video.requestVideoFrameCallback((now, { captureTime }) => this._take(captureTime ?? now));
  }

  async _take(taken) {
    const at = Math.round((Date.now() - Math.max(0, performance.now() - taken)) * 1000);
    let bitmap;
    try {
      bitmap = await createImageBitmap(this._video);
    } catch {
      return this.next(); // the camera was turned off or turned round between the frame and here
    }
    if (this._running) this._deliver(bitmap, at);
    else bitmap.close();
  }
}
