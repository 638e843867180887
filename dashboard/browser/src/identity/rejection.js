// Why a face is not good enough for recognition. The rules of tracker/vision/quality.py.
import { fixed, general } from "./wording.js";

/**
 * The quality of one face, see `tracker.vision.quality.Quality`.
 * @typedef {{ widthsPx: number, sharpness: number, yaw: number, pitch: number, eyes: number, brightness: number,
 *   contrast: number, clipped: number, score: number }} Quality
 * @typedef {{ min_width: number, min_sharpness: number, max_yaw: number, max_pitch: number, min_contrast: number,
 *   max_clipped: number }} QualitySettings
 */

const single = Math.fround;

/**
 * The reason as text; null where the face is good enough. Figures and limits are compared in single precision, and NaN
 * counts as not good.
 * @param {Quality} quality @param {QualitySettings} settings @returns {string | null}
 */
export function rejection(quality, settings) {
  const { widthsPx, sharpness, yaw, pitch, brightness, contrast, clipped } = quality;
  if (!isAtLeast(widthsPx, settings.min_width)) {
    return `too small: ${fixed(single(widthsPx), 0)} px wide, at least ${settings.min_width} needed`;
  }
  if (!isAtMost(clipped, settings.max_clipped)) {
    const [fault, colour] = brightness < 0.5 ? ["underexposed", "black"] : ["overexposed", "white"];
    return `${fault}: ${percent(single(clipped))} ${colour} pixels, at most ${percent(settings.max_clipped)} allowed`;
  }
  if (!isAtLeast(contrast, settings.min_contrast)) {
    const fault = brightness < 0.25 ? "too dark" : "too little contrast";
    return `${fault}: contrast ${fixed(single(contrast), 3)}, at least ${general(settings.min_contrast)} needed`;
  }
  if (!isAtLeast(sharpness, settings.min_sharpness)) {
    const limit = general(settings.min_sharpness);
    return `too blurred: sharpness ${fixed(single(sharpness), 1)}, at least ${limit} needed`;
  }
  if (!isAtMost(yaw, settings.max_yaw)) {
    return `turned aside: ${fixed(single(yaw), 0)} degrees, at most ${general(settings.max_yaw)} allowed`;
  }
  if (!isAtMost(Math.abs(pitch), settings.max_pitch)) {
    const fault = pitch > 0 ? "looking down" : "looking up";
    return `${fault}: pitch ${fixed(Math.abs(single(pitch)), 2)}, at most ${general(settings.max_pitch)} allowed`;
  }
  return null;
}

function isAtLeast(value, limit) {
  return single(value) >= single(limit);
}

function isAtMost(value, limit) {
  return single(value) <= single(limit);
}

function percent(share) {
  return `${fixed(100 * share, 0)}%`;
}
