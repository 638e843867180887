/** Keeps the screen on, where the browser can, for as long as the page is in front. */

export class WakeLock {
  constructor() {
    this._wanted = false;
    this._lock = null;
    document.addEventListener("visibilitychange", () => this._acquire());
  }

  /** Whether the screen is kept on now. */
  get isHeld() {
    return this._lock !== null && !this._lock.released;
  }

  hold() {
    this._wanted = true;
    return this._acquire();
  }

  async release() {
    this._wanted = false;
    await this._lock?.release();
  }

  async _acquire() {
    if (!this._wanted || this.isHeld || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      this._lock = await navigator.wakeLock.request("screen");
    } catch {
      this._lock = null; // a battery that is low: asked again when the page is in front again
    }
  }
}
