/**
 * Face alignment: upright face chips of one size from five landmarks, as tracker/vision/align.py has it.
 *
 * @typedef {{ side: number, template: [number, number][] }} ChipLayout side: px; template: where the landmarks come to
 *   lie.
 * @typedef {{ a: number, b: number, x: number, y: number }} Similarity (u, v) -> (a u - b v + x, b u + a v + y)
 * @typedef {{ picture: import("./pixels.js").Picture, left: number, top: number, across: number, down: number }} Grid
 *   A picture whose first pixel is at (left, top) of another one, and its pixels so far apart there.
 */
import { IntegralImage, interpolate } from "./pixels.js";

/**
 * The picture around a face, rotated, scaled and shifted so that its landmarks fit the layout. Pixels outside the
 * picture are black; all are when the landmarks coincide or are not finite.
 *
 * @param {import("./pixels.js").Picture} picture
 * @param {import("./cascade.js").Landmarks} landmarks
 * @param {ChipLayout} layout
 * @returns {import("./pixels.js").Picture}
 */
export function align(picture, landmarks, { side, template }) {
  const chip = { data: new Uint8ClampedArray(4 * side * side), width: side, height: side };
  const toPicture = similarity(template, landmarks);
  const grid = toPicture && sampled(picture, toPicture, side);
  if (!grid) return chip;
  const { a, b } = toPicture;
  const pixel = new Float64Array(3);
  for (let y = 0, to = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const column = (a * x - b * y + toPicture.x - grid.left) / grid.across;
      interpolate(grid.picture, column, (b * x + a * y + toPicture.y - grid.top) / grid.down, pixel);
      for (let channel = 0; channel < 3; channel++) chip.data[to++] = pixel[channel];
      chip.data[to++] = 255;
    }
  }
  return chip;
}

/**
 * The inverse of the least-squares similarity from image to chip, null where the landmarks have none.
 *
 * Source: Umeyama, "Least-squares estimation of transformation parameters" (1991), closed form in two dimensions.
 *
 * @returns {Similarity | null} from chip to image px
 */
function similarity(template, landmarks) {
  const [u, v] = mean(landmarks);
  const [x, y] = mean(template);
  let [cosine, sine, spread] = [0, 0, 0];
  landmarks.forEach((point, index) => {
    const [sourceX, sourceY] = [point[0] - u, point[1] - v];
    const [targetX, targetY] = [template[index][0] - x, template[index][1] - y];
    cosine += sourceX * targetX + sourceY * targetY;
    sine += sourceX * targetY - sourceY * targetX;
    spread += sourceX ** 2 + sourceY ** 2;
  });
  const squared = (cosine ** 2 + sine ** 2) / spread;
  const [a, b] = [cosine / squared, -sine / squared];
  if (![a, b, u, v].every(Number.isFinite)) return null;
  return { a, b, x: u - a * x + b * y, y: v - b * x - a * y };
}

function mean(points) {
  return [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
}

/**
 * The pixels to take a chip from, null where the chip is outside the picture: those of the picture, or where the face
 * is at least twice as large as the chip those of its part area-averaged, against aliasing.
 *
 * @returns {Grid | null}
 */
function sampled(picture, toPicture, side) {
  const part = covered(picture, toPicture, side);
  if (part.width <= 0 || part.height <= 0) return null;
  const factor = Math.floor(Math.hypot(toPicture.a, toPicture.b));
  if (factor < 2) return { picture, left: 0, top: 0, across: 1, down: 1 };
  const [width, height] = [part.width, part.height].map((length) => Math.max(Math.floor(length / factor), 1));
  const means = new IntegralImage(picture, part).resampled({ width, height });
  const data = new Uint8ClampedArray(4 * width * height);
  for (let from = 0; from < means.length; from++) data[4 * Math.floor(from / 3) + (from % 3)] = Math.round(means[from]);
  const [across, down] = [part.width / width, part.height / height];
  const [left, top] = [part.x + (across - 1) / 2, part.y + (down - 1) / 2];
  return { picture: { data, width, height }, left, top, across, down };
}

/** The part of the picture under a chip. */
function covered({ width, height }, { a, b, x, y }, side) {
  const corners = [[0, 0], [side, 0], [0, side], [side, side]].map(([u, v]) => [a * u - b * v + x, b * u + a * v + y]);
  const span = (axis, length) => {
    const values = corners.map((corner) => corner[axis]);
    const within = (value) => Math.min(Math.max(value, 0), length);
    const first = within(Math.floor(Math.min(...values)) - 2);
    return [first, within(Math.ceil(Math.max(...values)) + 3) - first];
  };
  const [[left, partWidth], [top, partHeight]] = [span(0, width), span(1, height)];
  return { x: left, y: top, width: partWidth, height: partHeight };
}
