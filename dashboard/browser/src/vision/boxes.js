/**
 * Box geometry: non-maximum suppression, squaring, clipping. Boxes are [x1, y1, x2, y2] in px.
 *
 * @typedef {[number, number, number, number]} Box
 * @typedef {{ box: Box, score: number }} Candidate A box that may hold a face; score: 0..1.
 */

/**
 * The candidates that non-maximum suppression keeps, by descending score.
 *
 * Not greedy: a candidate is removed when any with a higher score overlaps it too much, even if that one is itself
 * removed; the cascade's thresholds were tuned with this variant.
 *
 * @template {Candidate} T
 * @param {T[]} candidates unsorted
 * @param {number} maxOverlap 0..1
 * @param {{ bySmaller?: boolean }} [options] bySmaller: overlap relative to the smaller area instead of the union
 * @returns {T[]}
 */
export function suppressed(candidates, maxOverlap, { bySmaller = false } = {}) {
  const sorted = candidates.toSorted((first, second) => second.score - first.score);
  const areas = sorted.map(({ box: [x1, y1, x2, y2] }) => Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0));
  const share = maxOverlap / (1 + maxOverlap);
  const overlaps = (one, other) => {
    const limit = bySmaller ? maxOverlap * Math.min(areas[one], areas[other]) : share * (areas[one] + areas[other]);
    return intersection(sorted[one].box, sorted[other].box) > limit;
  };
  return sorted.filter((_, row) => {
    for (let better = 0; better < row; better++) if (overlaps(better, row)) return false;
    return true;
  });
}

/** Area shared by two boxes, px squared. */
function intersection(first, second) {
  const width = Math.min(first[2], second[2]) - Math.max(first[0], second[0]);
  const height = Math.min(first[3], second[3]) - Math.max(first[1], second[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * The box extended about its centre to a square of its longer side.
 *
 * @param {Box} box
 * @returns {Box}
 */
export function square([x1, y1, x2, y2]) {
  const side = Math.max(x2 - x1, y2 - y1);
  const left = x1 + (x2 - x1 - side) / 2;
  const top = y1 + (y2 - y1 - side) / 2;
  return [left, top, left + side, top + side];
}

/**
 * The box with every coordinate within the pixels of a picture.
 *
 * @param {Box} box
 * @param {{ width: number, height: number }} size
 * @returns {Box}
 */
export function clipped([x1, y1, x2, y2], { width, height }) {
  const within = (value, length) => Math.min(Math.max(value, 0), length - 1);
  return [within(x1, width), within(y1, height), within(x2, width), within(y2, height)];
}

/**
 * The box corrected by a network's regression, in fractions of the box with both end pixels counted.
 *
 * @param {Box} box
 * @param {ArrayLike<number>} offsets 4 values
 * @returns {Box}
 */
export function regressed([x1, y1, x2, y2], offsets) {
  const width = x2 - x1 + 1;
  const height = y2 - y1 + 1;
  return [x1 + offsets[0] * width, y1 + offsets[1] * height, x2 + offsets[2] * width, y2 + offsets[3] * height];
}
