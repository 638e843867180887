// Why a face is not good enough for recognition, as text. The rules of tracker/vision/quality.py.
import { Fault, fault } from "../vision/quality.js";
import { fixed, general } from "./wording.js";

/**
 * @typedef {import("../vision/quality.js").Quality} Quality
 * @typedef {import("../vision/quality.js").QualitySettings} QualitySettings
 */

const dark = ({ contrast }, { min_contrast: least }) =>
  `contrast ${fixed(contrast, 3)}, at least ${general(least)} needed`;
const pitched = ({ pitch }, { max_pitch: most }) =>
  `pitch ${fixed(Math.abs(pitch), 2)}, at most ${general(most)} allowed`;
const exposed = (colour) => ({ clipped }, { max_clipped: most }) =>
  `${percent(clipped)} ${colour} pixels, at most ${percent(most)} allowed`;

/** What was measured, by what makes a face not good enough. */
const MEASURED = {
  [Fault.SMALL]: ({ widthsPx }, { min_width: least }) => `${fixed(widthsPx, 0)} px wide, at least ${least} needed`,
  [Fault.UNDEREXPOSED]: exposed("black"),
  [Fault.OVEREXPOSED]: exposed("white"),
  [Fault.DARK]: dark,
  [Fault.FLAT]: dark,
  [Fault.BLURRED]: ({ sharpness }, { min_sharpness: least }) =>
    `sharpness ${fixed(sharpness, 1)}, at least ${general(least)} needed`,
  [Fault.ASIDE]: ({ yaw }, { max_yaw: most }) => `${fixed(yaw, 0)} degrees, at most ${general(most)} allowed`,
  [Fault.UP]: pitched,
  [Fault.DOWN]: pitched,
};

/**
 * The reason as text; null where the face is good enough. Figures and limits are compared in single precision.
 * @param {Quality} quality @param {QualitySettings} settings @returns {string | null}
 */
export function rejection(quality, settings) {
  const figures = single(quality);
  const found = fault(figures, single(settings));
  return found === null ? null : `${found}: ${MEASURED[found](figures, settings)}`;
}

function single(figures) {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.fround(value)]));
}

function percent(share) {
  return `${fixed(100 * share, 0)}%`;
}
