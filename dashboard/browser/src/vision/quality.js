/**
 * Face quality: whether a detected face is good enough for recognition, as tracker/vision/quality.py measures it.
 *
 * @typedef {object} Quality
 * @property {number} widthsPx width of the box
 * @property {number} sharpness 0 upwards, about 4 for a sharp face of 60 px
 * @property {number} yaw degrees, 0 frontal .. 90 profile
 * @property {number} pitch -1 looking up .. 0 .. 1 looking down
 * @property {number} eyes detail around the eye that shows less, in parts of the other one; 0 behind dark glasses
 * @property {number} brightness mean grey, 0..1
 * @property {number} contrast standard deviation of grey, 0..0.5
 * @property {number} clipped share of black or white pixels, 0..1
 * @property {number} score product of all of them, 0 unusable .. 1 good
 *
 * @typedef {object} QualitySettings Those of the settings file, under their names there.
 * @property {number} min_width
 * @property {number} min_sharpness
 * @property {number} max_yaw
 * @property {number} max_pitch
 * @property {number} min_contrast
 * @property {number} max_clipped
 */
import { DLIB_CHIP } from "./embedders.js";
import { IntegralImage } from "./pixels.js";

/** Layout of the chips on which quality is measured, whatever the embedder. */
export const QUALITY_CHIP = DLIB_CHIP;

/** What makes a face not good enough for recognition. */
export const Fault = Object.freeze({
  SMALL: "too small",
  UNDEREXPOSED: "underexposed",
  OVEREXPOSED: "overexposed",
  DARK: "too dark",
  FLAT: "too little contrast",
  BLURRED: "too blurred",
  ASIDE: "turned aside",
  UP: "looking up",
  DOWN: "looking down",
});

const GOOD_WIDTH_PX = 80;
const GOOD_SHARPNESS = 6;
const GOOD_CONTRAST = 0.06;
/** Sigma of the Gaussian, px of the chip: coarser than sensor noise and JPEG blocks, finer than eyelids. */
const SMOOTHING_PX = 2;
const SMOOTHING = gaussian(SMOOTHING_PX, 8);
/** Added to the standard deviation of grey, so that noise on a uniform surface does not count as sharpness. */
const MIN_DEVIATION = 5;
/** Grey levels at or beyond these count as clipped. */
const [BLACK, WHITE] = [5, 250];
/** Position of the nose of a frontal face between eyes (0) and mouth (1), as in the chip template. */
const NOSE_HEIGHT = 0.59;
/** Eyes are examined on a chip downscaled to this, which suppresses noise. */
const EYE_CHIP_SIDE = 75;
/** Half the side of the square around an eye that is examined, in that chip. */
const EYE_RADIUS_PX = 7;
/** Share of the median grey of the chip below which a pixel around an eye is dark. */
const DARK = 0.35;
/** Share of dark pixels around the eyes from which they are behind dark glasses. */
const DARK_GLASSES = 0.5;
/** How far the tip of the nose stands out from eyes and mouth, in half the distance of the eyes. */
const NOSE_DEPTH = 0.87;

/**
 * The quality of a face.
 *
 * @param {{ box: import("./boxes.js").Box, landmarks: import("./cascade.js").Landmarks }} face
 * @param {import("./pixels.js").Picture} chip the same face, in the layout QUALITY_CHIP
 * @returns {Quality}
 */
export function assess({ box, landmarks }, chip) {
  const { sharpness, brightness, contrast, clipped } = texture(chip);
  const { turned, pitch } = pose(landmarks);
  const yaw = Math.abs(turned);
  const widthsPx = box[2] - box[0];
  const score =
    unit(widthsPx / GOOD_WIDTH_PX) *
    unit(Math.sqrt(sharpness / GOOD_SHARPNESS)) *
    frontality(yaw) *
    (1 - 0.5 * pitch ** 2) *
    unit(contrast / GOOD_CONTRAST) *
    (1 - clipped);
  const eyes = shownEyes(chip);
  return { widthsPx, sharpness, yaw, pitch, eyes, brightness, contrast, clipped, score: score || 0 };
}

/**
 * What makes a face not good enough for recognition, null when it is. NaN counts as not good.
 *
 * @param {Quality} quality
 * @param {QualitySettings} settings
 * @returns {string | null} one of Fault
 */
export function fault(quality, settings) {
  const dark = quality.brightness;
  if (!(quality.widthsPx >= settings.min_width)) return Fault.SMALL;
  if (!(quality.clipped <= settings.max_clipped)) return dark < 0.5 ? Fault.UNDEREXPOSED : Fault.OVEREXPOSED;
  if (!(quality.contrast >= settings.min_contrast)) return dark < 0.25 ? Fault.DARK : Fault.FLAT;
  if (!(quality.sharpness >= settings.min_sharpness)) return Fault.BLURRED;
  if (!(quality.yaw <= settings.max_yaw)) return Fault.ASIDE;
  if (!(Math.abs(quality.pitch) <= settings.max_pitch)) return quality.pitch > 0 ? Fault.DOWN : Fault.UP;
  return null;
}

/**
 * Yaw of a face by its landmarks, degrees, positive where the nose points to the right of the picture, which is the
 * person's left.
 *
 * @param {import("./cascade.js").Landmarks} landmarks
 */
export function turnedDeg(landmarks) {
  return pose(landmarks).turned;
}

/**
 * How much a face of a yaw in degrees says about who it is, 1 frontal .. 0 profile: its visible width.
 *
 * @param {number} yaw
 */
function frontality(yaw) {
  return Math.cos((yaw * Math.PI) / 180);
}

/** Sharpness and exposure of the middle of a chip. */
function texture(chip) {
  const side = chip.width;
  const grey = greyLevels(chip.data, 4);
  const edge = Math.floor(side / 5);
  const middle = cut(grey, side, edge, edge, side - 2 * edge);
  const deviation = Math.sqrt(variance(middle));
  const clipped = middle.filter((level) => level <= BLACK || level >= WHITE).length / middle.length;
  return {
    sharpness: (100 * laplacianVariance(grey, side, edge)) / (deviation + MIN_DEVIATION),
    brightness: mean(middle) / 255,
    contrast: deviation / 255,
    clipped,
  };
}

/** Variance of the Laplacian of a smoothed square image, without a border of `edge` px. */
function laplacianVariance(grey, side, edge) {
  const smooth = convolved(convolved(grey, side, 1), side, side);
  const values = [];
  for (let y = edge; y < side - edge; y++) {
    for (let at = y * side + edge; at < (y + 1) * side - edge; at++) {
      values.push(smooth[at - 1] + smooth[at + 1] + smooth[at - side] + smooth[at + side] - 4 * smooth[at]);
    }
  }
  return variance(values);
}

/** A square image smoothed along an axis, but for its border. step: to the next pixel along the axis. */
function convolved(values, side, step) {
  const radius = SMOOTHING.length >> 1;
  const result = new Float32Array(values.length);
  for (let at = radius * step; at < values.length - radius * step; at++) {
    let sum = 0;
    for (let tap = -radius; tap <= radius; tap++) sum += SMOOTHING[tap + radius] * values[at + tap * step];
    result[at] = sum;
  }
  return result;
}

function gaussian(sigma, radius) {
  const offsets = Array.from({ length: 2 * radius + 1 }, (_, tap) => tap - radius);
  const weights = offsets.map((offset) => Math.exp(-(offset ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** How much the eye that shows less is seen; see Quality. */
function shownEyes(chip) {
  const side = EYE_CHIP_SIDE;
  const small = new IntegralImage(chip).resampled({ width: side, height: side }).map((mean) => Math.round(mean));
  const grey = greyLevels(small, 3);
  const eyes = QUALITY_CHIP.template.slice(0, 2).map((place) => {
    const [x, y] = place.map((value) => Math.round((value * side) / QUALITY_CHIP.side) - EYE_RADIUS_PX);
    return cut(grey, side, x, y, 2 * EYE_RADIUS_PX);
  });
  const limit = DARK * grey.toSorted()[grey.length >> 1];
  const dark = mean(eyes.map((eye) => eye.filter((level) => level < limit).length / eye.length));
  const [less, more] = eyes.map((eye) => Math.sqrt(variance(eye))).sort((first, second) => first - second);
  return dark < DARK_GLASSES && more > 0 ? less / more : 0;
}

/** Grey levels of pixels whose values are `step` apart, with OpenCV's weights and rounding. */
function greyLevels(data, step) {
  const grey = new Uint8Array(data.length / step);
  for (let at = 0, from = 0; at < grey.length; at++, from += step) {
    grey[at] = (9798 * data[from] + 19235 * data[from + 1] + 3735 * data[from + 2] + 16384) >> 15;
  }
  return grey;
}

/** The pixels of a square in a square image. side: of the image. size: of the square. */
function cut(grey, side, left, top, size) {
  const rows = Array.from({ length: size }, (_, row) => grey.subarray((top + row) * side + left).subarray(0, size));
  return rows.flatMap((row) => [...row]);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values) {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length;
}

function unit(value) {
  return Math.min(Math.max(value, 0), 1);
}

/**
 * Yaw as turnedDeg has it, and pitch, from where the nose is between eyes and mouth; independent of roll.
 *
 * Seen from the side by an angle, half the distance of the eyes shrinks by its cosine, and the nose, which stands out,
 * moves by its sine: their ratio is the tangent, which does not saturate.
 */
function pose([leftEye, rightEye, nose, leftMouth, rightMouth]) {
  const across = [0, 1].map((axis) => (rightEye[axis] - leftEye[axis] + rightMouth[axis] - leftMouth[axis]) / 2);
  const halfWidth = Math.hypot(...across) / 2;
  const axis = across.map((value) => value / Math.max(2 * halfWidth, 1e-6));
  const along = ([x, y]) => x * axis[0] + y * axis[1];
  const down = ([x, y]) => y * axis[0] - x * axis[1];
  const between = (first, second) => [(first[0] + second[0]) / 2, (first[1] + second[1]) / 2];
  const [eyes, mouth] = [between(leftEye, rightEye), between(leftMouth, rightMouth)];
  const height = Math.max(down(mouth) - down(eyes), 1e-6);
  const offset = (down(nose) - down(eyes)) / height - NOSE_HEIGHT;
  const aside = along(nose) - along(between(eyes, mouth));
  return {
    turned: (Math.atan2(aside / NOSE_DEPTH, halfWidth) * 180) / Math.PI,
    pitch: Math.min(Math.max(offset / (offset > 0 ? 1 - NOSE_HEIGHT : NOSE_HEIGHT), -1), 1),
  };
}
