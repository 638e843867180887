// The identity of one track: its vote, what was reported of it, and whether its faces still need to be compared.
// The rules of tracker/identity/track_identity.py.
import { MATCH, UNSURE } from "./match.js";
import { PERSON, UNKNOWN, Vote } from "./votes.js";

/** @typedef {import("../presence/events.js").Time} Time */

/** Faces in a row that clearly show the same person, from which a track of that person is settled. */
const SETTLED_FACES = 8;

export class TrackIdentity {
  /** Since when all usable faces match `#matchedId`. */
  changedAt;
  vote = new Vote();
  /** @type {import("./votes.js").VoteResult | null} */
  result = null;
  /** Person id of the last recorded match, and of the last sighting. */
  recordedId = null;
  sightedId = null;
  /** Why it has a name, or none. */
  reason = "";
  /** Faces since the last clear one that were not examined. */
  followed = 0;
  #matchedId = null;
  #agreed = 0;
  #agreedAt = null;

  /**
   * startedAt: since when it shows one person. unidentifiedId: whom it shows where that is a stranger.
   * @param {Time} startedAt @param {string} unidentifiedId
   */
  constructor(startedAt, unidentifiedId) {
    this.startedAt = this.changedAt = startedAt;
    this.unidentifiedId = unidentifiedId;
  }

  /** Distance of the nearest face that matches the current identity, infinite without one. */
  get distance() {
    return this.result?.kind === PERSON ? (this.result.distance ?? Infinity) : Infinity;
  }

  /** How long ago a face last confirmed what the track was decided to show; infinite where that is not settled. */
  unconfirmed(at) {
    return this.#isSettled && this.#agreedAt !== null ? at - this.#agreedAt : Infinity;
  }

  get #isSettled() {
    if (this.#agreed < SETTLED_FACES || this.result === null) return false;
    return this.result.personId === this.#matchedId && this.result.kind !== UNKNOWN;
  }

  /**
   * Take in the verdict on a face; returns for how many faces it votes: where it shows the same person, also for those
   * before it that were not examined.
   */
  note(verdict, matchedId, margin, at, settings) {
    if (verdict === UNSURE) return 1;
    if (matchedId !== this.#matchedId) {
      this.#matchedId = matchedId;
      this.changedAt = at;
      this.#agreed = this.followed = 0;
    }
    if (verdict === MATCH && (margin === null || margin < 2 * settings.clear_by)) return 1;
    const faces = 1 + this.followed;
    this.followed = 0;
    this.#agreed += 1;
    this.#agreedAt = at;
    return faces;
  }
}
