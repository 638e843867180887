/**
 * What to ask of a person who is enrolled before a camera, frame by frame, as tracker/identity/shots.py does. Which frames
 * are kept is decided there: it has the vectors.
 *
 * @typedef {"front" | "left" | "right"} Pose
 */
import { Fault, turnedDeg } from "../vision/quality.js";

const ENOUGH_SHOTS = 5;
/** @type {Pose[]} */
const POSES = ["front", "left", "right"];
const FRONTAL_DEG = 10;
const ASIDE_DEG = 45;
const MIN_RELATIVE_WIDTH = 0.25;
const CONFIDENT_SCORE = 0.95;
const HINTS = {
  [Fault.SMALL]: "closer",
  [Fault.UNDEREXPOSED]: "light",
  [Fault.OVEREXPOSED]: "glare",
  [Fault.DARK]: "light",
  [Fault.FLAT]: "light",
  [Fault.BLURRED]: "still",
  [Fault.ASIDE]: "front",
  [Fault.UP]: "front",
  [Fault.DOWN]: "front",
};

/**
 * The faces without those in the background and likely false positives.
 *
 * @template {{ box: number[], score: number }} F
 * @param {F[]} faces
 * @returns {F[]}
 */
export function prominent(faces) {
  const certain = faces.filter((face) => face.score >= CONFIDENT_SCORE);
  const counted = certain.length ? certain : faces;
  const width = ({ box }) => box[2] - box[0];
  const widest = Math.max(0, ...counted.map(width));
  return counted.filter((face) => width(face) >= MIN_RELATIVE_WIDTH * widest);
}

/**
 * What a frame asks for.
 *
 * @param {import("../vision/engine.js").Face[]} faces the prominent ones; a single one examined
 * @param {(Pose | null)[]} taken poses of the shots so far
 * @returns {{ hint: string, promising: boolean }} hint: a name of tracker.identity.shots.Hint. promising: a shot of this
 *   frame may be wanted.
 */
export function advice(faces, taken) {
  const asked = (hint) => ({ hint, promising: false });
  if (taken.length >= ENOUGH_SHOTS) return asked("enough");
  if (faces.length !== 1) return asked(faces.length ? "alone" : "appear");
  const [{ fault, landmarks }] = faces;
  if (fault) return asked(HINTS[fault]);
  const pose = poseOf(landmarks);
  const missing = POSES.filter((each) => !taken.includes(each));
  if (pose === null || (!taken.length && pose !== "front")) return asked("front");
  const extras = taken.length - (POSES.length - missing.length);
  const promising = missing.includes(pose) || extras < ENOUGH_SHOTS - POSES.length;
  return { hint: missing[0] ?? "move", promising };
}

/** @returns {Pose | null} null where the face is turned far aside */
function poseOf(landmarks) {
  const turned = turnedDeg(landmarks);
  if (Math.abs(turned) < FRONTAL_DEG) return "front";
  if (!(Math.abs(turned) <= ASIDE_DEG)) return null;
  return turned > 0 ? "left" : "right";
}
