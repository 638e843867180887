/**
 * Pauses between retries, which double, each anywhere between 0 and that ("full jitter").
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  constructor({ firstMs = 1000, longestMs = 60_000, random = Math.random } = {}) {
    this.failures = 0;
    this._firstMs = firstMs;
    this._longestMs = longestMs;
    this._random = random;
  }

  /** The pause after one more failure. */
  nextMs() {
    const most = Math.min(this._longestMs, this._firstMs * 2 ** Math.min(this.failures, 20));
    this.failures += 1;
    return this._random() * most;
  }

  /** Start again after a success. */
  reset() {
    this.failures = 0;
  }
}
