// Data association: pairs the faces of a frame with tracks by overlap, distance and face vector.
// The rules of tracker/vision/association.py; boxes are computed in single precision, as there.
import { distance } from "../identity/match.js";
import { assign } from "./assignment.js";

/**
 * A track at the time of a frame. last, predicted: x1 y1 x2 y2, px. vector: null where none is known. unseenS: seconds.
 * @typedef {{ last: Float32Array, predicted: Float32Array, vector: Float32Array | null, unseenS: number }} TrackState
 * @typedef {{ box: Float32Array, vector: Float32Array | null }} Face
 */

/** Face widths that a face may move between two frames without overlap. */
const MAX_JUMP = 1.5;
/** Further face widths for each second since the last sighting. */
const MAX_SPEED = 4;
/** Share of the maximum vector distance within which the vector pairs without overlap. */
const CONFIDENT_SHARE = 0.75;
const MAX_SIZE_RATIO = 2;
/** IoU from which a face continues a track without its vector. */
const CLEAR_OVERLAP = 0.5;
/** Face widths from another face or track up to which it does not: nearer ones touch. */
const CLEAR_DISTANCE = 1;
/** Seconds since the last sighting up to which it does. */
const CLEAR_GAP_S = 0.25;
/** Cost of an unknown vector, as a share of the maximum distance: more than a good match, less than a poor one. */
const UNKNOWN_COST = 0.75;
/** Cost of leaving a track without a face: just above that of the worst pair. */
const UNMATCHED_COST = 2.01;

const single = Math.fround;

/**
 * Pairs (track, face) of the minimum-cost assignment.
 *
 * Vectors farther apart than `maxVectorDistance` never pair. Without vectors, a pair needs an IoU of at least `minIou`.
 * Similar vectors also pair without overlap, within walking distance and at a similar size.
 * @param {TrackState[]} tracks @param {Face[]} faces @returns {[number, number][]}
 */
export function associate(tracks, faces, { minIou, maxVectorDistance }) {
  const costs = tracks.map((track) => faces.map((face) => pairCost(track, face, minIou, maxVectorDistance)));
  return assign(costs.map((row) => row.map((cost) => cost ?? UNMATCHED_COST))).filter(
    ([track, face]) => costs[track][face] !== null,
  );
}

/** Pairs (track, face) of which the boxes alone leave no doubt: they overlap well, and nothing else touches either. */
export function continued(tracks, faces) {
  const near = tracks.map((track) =>
    faces.map(({ box }) => isWithin(track.last, box, CLEAR_DISTANCE) || isWithin(track.predicted, box, CLEAR_DISTANCE)),
  );
  const besideTrack = near.map((row) => row.filter(Boolean).length);
  const besideFace = faces.map((_, face) => near.filter((row) => row[face]).length);
  const pairs = [];
  tracks.forEach((track, row) => {
    faces.forEach(({ box }, face) => {
      const isAlone = besideTrack[row] === 1 && besideFace[face] === 1;
      if (isAlone && overlap(track, box) >= CLEAR_OVERLAP && track.unseenS <= CLEAR_GAP_S) pairs.push([row, face]);
    });
  });
  return pairs;
}

/** The cost of a pair, null where it is not allowed. */
function pairCost(track, face, minIou, maxDistance) {
  const iou = overlap(track, face.box);
  const apart = track.vector === null || face.vector === null ? null : distance(track.vector, face.vector);
  const isConfident = apart !== null && apart <= CONFIDENT_SHARE * maxDistance && isReachable(track, face.box);
  const isNear = iou >= single(minIou) && !(apart !== null && apart > maxDistance);
  if (!isNear && !isConfident) return null;
  return single(1 - iou) + (apart === null ? UNKNOWN_COST : apart / maxDistance);
}

function overlap({ last, predicted }, box) {
  return Math.max(iou(last, box), iou(predicted, box));
}

function iou(one, other) {
  const width = single(Math.min(one[2], other[2]) - Math.max(one[0], other[0]));
  const height = single(Math.min(one[3], other[3]) - Math.max(one[1], other[1]));
  if (!(width > 0 && height > 0)) return 0;
  const shared = single(width * height);
  const total = single(single(area(one) + area(other)) - shared);
  return shared > 0 && total > 0 ? single(shared / total) : 0;
}

function area([x1, y1, x2, y2]) {
  return single(Math.max(single(x2 - x1), 0) * Math.max(single(y2 - y1), 0));
}

/** Whether a face is within walking distance since the last sighting, and of a similar size. */
function isReachable({ last, unseenS }, box) {
  const [first, second] = [side(last), side(box)];
  const isSimilar = Math.max(first, second) <= single(MAX_SIZE_RATIO * Math.min(first, second));
  return isSimilar && isWithin(last, box, single(MAX_JUMP + single(MAX_SPEED * unseenS)));
}

/** Whether the middles of two boxes are no farther apart than so many widths of the larger one. */
function isWithin(one, other, widths) {
  const [x, y] = [0, 1].map((axis) => single(middle(other, axis) - middle(one, axis)));
  const apart = single(Math.sqrt(single(single(x * x) + single(y * y))));
  return apart <= single(widths * Math.max(side(one), side(other)));
}

/** The middle of a box along x (0) or y (1). */
export function middle(box, axis) {
  return single(single(box[axis] + box[axis + 2]) / 2);
}

function side([x1, y1, x2, y2]) {
  return Math.max(single(x2 - x1), single(y2 - y1), 0);
}
