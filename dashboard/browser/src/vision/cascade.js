/**
 * The three stages of MTCNN: propose (P-Net), refine (R-Net), output (O-Net).
 *
 * Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks" (2016), in
 * the form of mtcnn 1.0.0, as in tracker/vision/cascade.py.
 *
 * @typedef {[number, number][]} Landmarks Left eye, right eye, nose, left and right mouth corner, px.
 * @typedef {import("./boxes.js").Candidate & { landmarks: Landmarks }} FoundFace
 */
import { clipped, regressed, square, suppressed } from "./boxes.js";
import { levels, MEAN, RECEPTIVE_FIELD, samplePatches, SCALE } from "./patches.js";
import { IntegralImage } from "./pixels.js";

/** Stride of P-Net, px of its input per cell of its output. */
const STRIDE = 2;
const RNET_SIDE = 24;
const ONET_SIDE = 48;
/** IoU above which candidates of one pyramid level suppress each other. */
const LEVEL_OVERLAP = 0.5;
/** IoU above which candidates suppress each other after each stage. */
const STAGE_OVERLAP = 0.7;

export class Cascade {
  /**
   * @param {Record<"pnet" | "rnet" | "onet", import("./networks.js").Network>} networks
   * @param {{ minFace: number, scaleFactor: number, thresholds: [number, number, number] }} options thresholds: scores
   *   that candidates of P-, R- and O-Net must exceed
   */
  constructor({ pnet, rnet, onet }, { minFace, scaleFactor, thresholds }) {
    this.networks = { pnet, rnet, onet };
    this.pyramid = { minFace, scaleFactor };
    this.thresholds = thresholds;
  }

  /**
   * All faces of a picture, by descending score. Boxes are clipped to the picture, landmarks are not.
   *
   * @param {import("./pixels.js").Picture} picture
   * @returns {FoundFace[]}
   */
  detect(picture) {
    const searched = levels(picture, this.pyramid);
    if (!searched.length) return [];
    const integral = new IntegralImage(picture);
    const proposals = searched.flatMap((level) => this.#propose(integral, level));
    return this.#output(picture, this.#refine(picture, squares(suppressed(proposals, STAGE_OVERLAP))));
  }

  /** Proposals of P-Net at one pyramid level. */
  #propose(integral, { scale, width, height }) {
    const pixels = integral.resampled({ width, height }, MEAN, SCALE);
    const [regression, scores] = this.networks.pnet.run(pixels, [1, height, width, 3]);
    const columns = scores.shape[2];
    const found = [];
    for (let cell = 0; 2 * cell < scores.values.length; cell++) {
      const score = scores.values[2 * cell + 1];
      if (!(score > this.thresholds[0])) continue;
      const corner = [STRIDE * (cell % columns), STRIDE * Math.floor(cell / columns)];
      const box = [0, 1, 2, 3].map((side) => {
        const field = corner[side % 2] + (side < 2 ? 1 : RECEPTIVE_FIELD);
        return (field + regression.values[4 * cell + side] * (RECEPTIVE_FIELD - 1)) / scale;
      });
      found.push({ box, score });
    }
    return suppressed(found, LEVEL_OVERLAP);
  }

  /** Squares of the candidates that R-Net keeps, corrected by its regression. */
  #refine(picture, candidates) {
    const [regression, scores] = this.#examine("rnet", picture, candidates, RNET_SIDE);
    const kept = candidates.flatMap(({ box }, row) => {
      const score = scores[2 * row + 1];
      return score > this.thresholds[1] ? [{ box: regressed(box, regression.subarray(4 * row)), score }] : [];
    });
    return squares(suppressed(kept, STAGE_OVERLAP));
  }

  /** Faces that O-Net keeps. */
  #output(picture, candidates) {
    const [regression, points, scores] = this.#examine("onet", picture, candidates, ONET_SIDE);
    const kept = candidates.flatMap(({ box }, row) => {
      const score = scores[2 * row + 1];
      if (!(score > this.thresholds[2])) return [];
      const landmarks = landmarksOf(box, points.subarray(10 * row, 10 * row + 10));
      return [{ box: regressed(box, regression.subarray(4 * row)), score, landmarks }];
    });
    const faces = suppressed(kept, STAGE_OVERLAP, { bySmaller: true });
    return faces.map((face) => ({ ...face, box: clipped(face.box, picture) }));
  }

  /** The outputs of R- or O-Net for the patches under the candidates; empty ones without any. */
  #examine(name, picture, candidates, side) {
    if (!candidates.length) return [[], [], []];
    const patches = samplePatches(picture, candidates.map(({ box }) => box), side);
    return this.networks[name].run(patches, [candidates.length, side, side, 3]).map(({ values }) => values);
  }
}

function squares(candidates) {
  return candidates.map(({ box, score }) => ({ box: square(box), score }));
}

/** @returns {Landmarks} px, from five x and five y in fractions of the box, with the one-pixel shift of mtcnn. */
function landmarksOf([x1, y1, x2, y2], points) {
  const at = (index) => [points[index] * (x2 - x1 + 1) + x1 - 1, points[5 + index] * (y2 - y1 + 1) + y1 - 1];
  return [0, 1, 2, 3, 4].map(at);
}
