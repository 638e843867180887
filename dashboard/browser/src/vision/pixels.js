/**
 * Reading pixels: areas of a picture by its integral image, and points between pixels.
 *
 * @typedef {{ data: Uint8ClampedArray | Uint8Array, width: number, height: number }} Picture RGBA, as of a canvas.
 * @typedef {{ x: number, y: number, width: number, height: number }} Part px of a picture.
 */

/** Pixels of a picture whose integral image still fits 32 bits. */
export const MAX_PIXELS = 8_400_000;

/** The integral image of a part of a picture, from which the mean of an area costs the same however large it is. */
export class IntegralImage {
  /**
   * @param {Picture} picture
   * @param {Part} [part] at most MAX_PIXELS pixels of the picture, all of it by default
   */
  constructor(picture, part = { x: 0, y: 0, width: picture.width, height: picture.height }) {
    this.width = part.width;
    this.height = part.height;
    const stride = 3 * (part.width + 1);
    /** (height + 1, width + 1, 3): the sums of all pixels above and left of each pixel corner. */
    this.table = new Uint32Array((part.height + 1) * stride);
    for (let y = 0, to = stride; y < part.height; y++) {
      let [red, green, blue] = [0, 0, 0];
      let from = 4 * ((part.y + y) * picture.width + part.x);
      to += 3;
      for (let x = 0; x < part.width; x++, from += 4, to += 3) {
        red += picture.data[from];
        green += picture.data[from + 1];
        blue += picture.data[from + 2];
        this.table[to] = this.table[to - stride] + red;
        this.table[to + 1] = this.table[to - stride + 1] + green;
        this.table[to + 2] = this.table[to - stride + 2] + blue;
      }
    }
  }

  /**
   * The part made smaller: a pixel is the mean of the pixels under it, weighted by their areas there.
   *
   * @param {{ width: number, height: number }} size
   * @param {number} [offset] subtracted from a mean in 0..255
   * @param {number} [scale] by which that is multiplied
   * @returns {Float32Array} (height, width, 3)
   */
  resampled({ width, height }, offset = 0, scale = 1) {
    const result = new Float32Array(width * height * 3);
    const perArea = (scale * width * height) / (this.width * this.height);
    let above = this.#edge(0, width);
    for (let y = 0, to = 0; y < height; y++) {
      const below = this.#edge(((y + 1) * this.height) / height, width);
      for (let from = 3; from < below.length; from++, to++) {
        result[to] = (below[from] - above[from] - below[from - 3] + above[from - 3]) * perArea - offset * scale;
      }
      above = below;
    }
    return result;
  }

  /** (count + 1, 3) sums above y and left of each of the edges between the pixels of a row. */
  #edge(y, count) {
    const sums = new Float64Array(3 * (count + 1));
    const stride = 3 * (this.width + 1);
    const line = Math.min(Math.floor(y), this.height - 1);
    const down = y - line;
    for (let edge = 0, to = 0; edge <= count; edge++) {
      const x = (edge * this.width) / count;
      const column = Math.min(Math.floor(x), this.width - 1);
      const right = x - column;
      for (let from = line * stride + 3 * column, end = from + 3; from < end; from++, to++) {
        const top = this.table[from] + right * (this.table[from + 3] - this.table[from]);
        const next = from + stride;
        const bottom = this.table[next] + right * (this.table[next + 3] - this.table[next]);
        sums[to] = top + down * (bottom - top);
      }
    }
    return sums;
  }
}

/**
 * Write red, green and blue at a point between pixels, bilinearly interpolated. What is outside the picture is black.
 *
 * @param {Picture} picture
 * @param {number} x
 * @param {number} y
 * @param {Float64Array} result 3 values in 0..255
 */
export function interpolate({ data, width, height }, x, y, result) {
  const [column, line] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [x - column, y - line];
  result.fill(0);
  for (let corner = 0; corner < 4; corner++) {
    const [dx, dy] = [corner & 1, corner >> 1];
    if (column + dx < 0 || column + dx >= width || line + dy < 0 || line + dy >= height) continue;
    const weight = (dx ? right : 1 - right) * (dy ? down : 1 - down);
    const from = 4 * ((line + dy) * width + column + dx);
    for (let channel = 0; channel < 3; channel++) result[channel] += weight * data[from + channel];
  }
}
