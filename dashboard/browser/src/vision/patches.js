/** Input of the MTCNN networks: normalised pixels of pyramid levels, and square patches for R-Net and O-Net. */
import { interpolate } from "./pixels.js";

/** Side of P-Net's receptive field, px. */
export const RECEPTIVE_FIELD = 12;

/** Normalised pixels are (value - MEAN) * SCALE. */
export const MEAN = 127.5;
export const SCALE = 1 / 128;

/**
 * The levels of the image pyramid, from the finest to the coarsest; none for a picture smaller than a face.
 *
 * @param {{ width: number, height: number }} size
 * @param {{ minFace: number, scaleFactor: number }} options minFace: side in px of the smallest face; scaleFactor:
 *   ratio of a level to the one before, 0..1
 * @returns {{ scale: number, width: number, height: number }[]}
 */
export function levels({ width, height }, { minFace, scaleFactor }) {
  const shorter = Math.min(width, height);
  const smallest = 0.6 * minFace;
  if (shorter <= smallest) return [];
  const count = Math.round(Math.log(shorter / smallest) / -Math.log(scaleFactor) - 1);
  return Array.from({ length: Math.max(count, 0) }, (_, step) => (RECEPTIVE_FIELD / minFace) * scaleFactor ** step)
    .map((scale) => ({ scale, width: Math.floor(width * scale), height: Math.floor(height * scale) }))
    .filter((level) => Math.min(level.width, level.height) >= RECEPTIVE_FIELD);
}

/**
 * The picture under each box, bilinearly sampled and normalised; 0 where a box leaves the picture.
 *
 * Coordinates of boxes, as fractions of the picture's sides, are mapped to the range between the centres of its first
 * and last pixel. Source: mtcnn 1.0.0, utils/images.py, `extract_patches`.
 *
 * @param {import("./pixels.js").Picture} picture
 * @param {import("./boxes.js").Box[]} boxes
 * @param {number} size
 * @returns {Float32Array} (boxes, size, size, 3)
 */
export function samplePatches(picture, boxes, size) {
  const patches = new Float32Array(boxes.length * size * size * 3);
  const pixel = new Float64Array(3);
  let to = 0;
  for (const [x1, y1, x2, y2] of boxes) {
    const xs = positions(x1, x2, size, picture.width);
    for (const y of positions(y1, y2, size, picture.height)) {
      for (const x of xs) {
        if (x >= 0 && x <= picture.width - 1 && y >= 0 && y <= picture.height - 1) {
          interpolate(picture, x, y, pixel);
          for (let channel = 0; channel < 3; channel++) patches[to + channel] = (pixel[channel] - MEAN) * SCALE;
        }
        to += 3;
      }
    }
  }
  return patches;
}

function positions(first, last, size, length) {
  const scale = (length - 1) / length;
  return Float32Array.from({ length: size }, (_, index) => (first + ((last - first) * index) / (size - 1)) * scale);
}
