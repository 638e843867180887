// Multi-object tracking of the faces of one camera. The rules of tracker/vision/face_tracks.py.
import { microseconds, seconds, timeText } from "../presence/events.js";
import { associate, continued, middle } from "./association.js";

/**
 * @typedef {import("../presence/events.js").Time} Time
 * @typedef {import("./association.js").Face} Face
 */

/** Weight of the newest velocity in its exponential moving average. */
const VELOCITY_GAIN = 0.5;
/** A track may miss a frame or two of a slow camera: so many times the usual time between frames. */
const SLOW_GAPS = 2.5;
/** Frames farther apart than this show too little of what happens between them to follow anybody. */
const SLOWEST_S = 60;
/** Vectors after which the running mean becomes an exponential moving average. */
const MEAN_VECTORS = 16;

const single = Math.fround;

/** One face across frames. */
class Track {
  hits = 1;
  vector = null;
  #velocity = new Float32Array(2);
  #vectors = 0;

  constructor(trackId, { box, vector }, at) {
    this.trackId = trackId;
    this.seenAt = at;
    this.box = box;
    this.#addVector(vector);
  }

  observe({ box, vector }, at) {
    const elapsedS = seconds(at - this.seenAt);
    if (elapsedS > 0) {
      this.#velocity = this.#velocity.map((velocity, axis) => {
        const moved = single(middle(box, axis) - middle(this.box, axis));
        const change = single(single(moved / single(elapsedS)) - velocity);
        return velocity + single(VELOCITY_GAIN * change);
      });
    }
    this.box = box;
    this.seenAt = at;
    this.hits += 1;
    this.#addVector(vector);
  }

  /** @returns {import("./association.js").TrackState} */
  state(at) {
    const unseenS = single(seconds(at - this.seenAt));
    const shift = this.#velocity.map((velocity) => velocity * unseenS);
    const predicted = this.box.map((edge, i) => edge + shift[i % 2]);
    return { last: this.box, predicted, vector: this.vector, unseenS };
  }

  #addVector(vector) {
    if (vector === null) return;
    this.#vectors = Math.min(this.#vectors + 1, MEAN_VECTORS);
    const mean = this.vector;
    this.vector =
      mean === null ? vector : mean.map((part, i) => part + single(single(vector[i] - part) / this.#vectors));
  }
}

/** The active tracks of one camera. Ids are the start time and the order within that instant. */
export class Tracks {
  #cameraId;
  #maxGap;
  #limits;
  /** @type {Track[]} */
  #active = [];
  #now = null;
  /** The last two times between frames. */
  #lastSteps = null;
  #startedNow = 0;

  /** maxGapS: seconds without a sighting after which a track ends; more where frames usually are farther apart. */
  constructor({ cameraId, maxGapS, minIou, maxVectorDistance }) {
    this.#cameraId = cameraId;
    this.#maxGap = microseconds(maxGapS);
    this.#limits = { minIou, maxVectorDistance };
  }

  /** The track that each face of the next frame continues without doubt by its box alone; null for the others. */
  continued(faces, at) {
    const found = new Map(continued(this.#states(at), faces).map(([row, face]) => [face, this.#active[row].trackId]));
    return faces.map((_, face) => found.get(face) ?? null);
  }

  /**
   * Continue tracks with the faces of the next frame, start tracks for the rest, end tracks unseen for too long.
   * @param {Face[]} faces @param {Time} at @returns {{ trackIds: string[], ended: Track[] }}
   */
  update(faces, at) {
    if (at !== this.#now) {
      this.#noteStep(at);
      [this.#now, this.#startedNow] = [at, 0];
    }
    const ended = this.#dropUnseen(at);
    const pairs = associate(this.#states(at), faces, this.#limits);
    const owners = new Map(pairs.map(([row, face]) => [face, this.#active[row]]));
    const trackIds = faces.map((face, i) => {
      owners.get(i)?.observe(face, at);
      return owners.get(i)?.trackId ?? this.#start(face, at);
    });
    return { trackIds, ended };
  }

  /** End all tracks, oldest first. @returns {Track[]} */
  end() {
    const ended = this.#active;
    this.#active = [];
    return ended;
  }

  #states(at) {
    return this.#active.map((track) => track.state(at));
  }

  #noteStep(at) {
    if (this.#now === null) return;
    const step = at - this.#now;
    this.#lastSteps = [this.#lastSteps?.[1] ?? step, step];
  }

  #dropUnseen(at) {
    const usualS = this.#lastSteps === null ? 0 : seconds(Math.min(...this.#lastSteps)); // one longer step is a gap
    const maxGap = Math.max(this.#maxGap, microseconds(SLOW_GAPS * Math.min(usualS, SLOWEST_S)));
    const ended = this.#active.filter((track) => at - track.seenAt > maxGap);
    this.#active = this.#active.filter((track) => at - track.seenAt <= maxGap);
    return ended;
  }

  #start(face, at) {
    this.#startedNow += 1;
    const started = timeText(at).replaceAll(/[-:Z]/g, "");
    const track = new Track(`${this.#cameraId}-${started}-${this.#startedNow}`, face, at);
    this.#active.push(track);
    return track.trackId;
  }
}
