// Recognition: tracks faces, identifies the tracks, and dates names back to the start of a track.
// The rules of tracker/identity/recognition.py. No visitor is kept: a track of a stranger shows an unidentified person.
import { Tracks } from "../agent/face_tracks.js";
import { isUnidentified, matchOf, unidentifiedId } from "../presence/events.js";
import { MATCH, STRANGER, classify } from "./match.js";
import { rejection } from "./rejection.js";
import { TrackIdentity } from "./track_identity.js";
import { PERSON, UNKNOWN, verdictMargin, verdictOf, weightOf } from "./votes.js";

/**
 * @typedef {import("../presence/events.js").Time} Time
 * @typedef {import("../presence/room.js").Sighting} Sighting
 * @typedef {import("./rejection.js").Quality} Quality
 * A face of a frame. box: x1 y1 x2 y2, px. quality, vector: null where it was not examined.
 * @typedef {{ box: ArrayLike<number>, quality: Quality | null, vector: Float32Array | null }} Face
 * @typedef {{ trackId: string, personId: string | null, reason: string }} FaceName
 * Withdraws a name that a track had wrongly from its start. intoId: the correct person.
 * @typedef {{ trackId: string, personId: string, intoId: string | null }} Retraction
 */

/** Sightings from which a track that was never identified is recorded. */
const MIN_HITS_RECORDED = 3;
/** How long a settled track goes on without a comparison; the second where no other face is compared. */
const [CONFIRM_AFTER, CONFIRM_EARLY] = [1_000_000, 750_000];

/** The tracks of one camera and their votes. */
export class Recognition {
  /** @type {import("./match.js").Gallery} */
  gallery;
  #camera;
  #settings;
  #tracks;
  /** @type {Map<string, TrackIdentity>} */
  #identities = new Map();

  constructor({ camera, settings, gallery }) {
    this.#camera = camera;
    this.#settings = settings;
    this.gallery = gallery;
    this.#tracks = this.#newTracks();
  }

  /**
   * Which faces of the next frame to examine: all but those that continue a settled track without doubt, and of those
   * the ones whose identity was not confirmed for a second; a little earlier one by one.
   * @param {Face[]} faces @param {Time} at @returns {boolean[]}
   */
  due(faces, at) {
    const waits = this.#tracks.continued(faces, at).map((trackId) => this.#unconfirmed(trackId, at));
    const due = waits.map((wait) => wait >= CONFIRM_AFTER);
    const longest = Math.max(...waits);
    if (!due.includes(true) && longest >= CONFIRM_EARLY) due[waits.indexOf(longest)] = true;
    return due;
  }

  /**
   * The next frame. retracted: to be applied before the sightings. ended: ids of ended tracks.
   * @param {Face[]} faces @param {Time} at @param {[number, number]} sizeWh
   * @returns {{ sightings: Sighting[], matches: object[], faces: FaceName[], retracted: Retraction[],
   *   ended: string[] }}
   */
  update(faces, at, sizeWh) {
    const looks = faces.map((face) => this.#look(face));
    const { trackIds, ended } = this.#tracks.update(looks, at);
    const matches = this.#close(ended);
    const identities = trackIds.map((trackId) => this.#identityOf(trackId, at));
    const decided = identities.map((identity, row) => {
      this.#vote(identity, looks[row], at);
      return this.#decide(identity);
    });
    const wrong = identities.map((identity, row) => this.#wrongName(identity, decided[row]));
    resolveDuplicates(identities, decided);
    const sightings = [];
    identities.forEach((identity, row) => {
      const [trackId, personId] = [trackIds[row], decided[row]];
      const since = personId === identity.recordedId ? at : identity.startedAt;
      if (personId !== identity.recordedId) {
        identity.recordedId = personId;
        matches.push(this.#match(identity, trackId, at, personId));
      }
      if (personId === null) return;
      identity.sightedId = personId;
      sightings.push({ personId, trackId, since, seenAt: at, ...centre(looks[row].box, sizeWh) });
    });
    return {
      sightings,
      matches,
      faces: identities.map(({ reason }, row) => ({ trackId: trackIds[row], personId: decided[row], reason })),
      retracted: trackIds
        .map((trackId, row) => ({ trackId, personId: wrong[row], intoId: decided[row] }))
        .filter((each) => each.personId !== null),
      ended: ended.map((track) => track.trackId),
    };
  }

  /** End all tracks; returns matches of those never identified. The next frame may have any time. */
  end() {
    const ended = this.#tracks.end();
    this.#tracks = this.#newTracks();
    return this.#close(ended);
  }

  #newTracks() {
    const { track, match } = this.#settings;
    return new Tracks({
      cameraId: this.#camera.cameraId,
      maxGapS: track.max_gap_s,
      minIou: track.min_iou,
      maxVectorDistance: match.stranger_distance,
    });
  }

  /** The face with what its vote needs. vector: null where it must not be compared. */
  #look({ box, quality, vector }) {
    const reason = quality === null ? null : rejection(quality, this.#settings.quality);
    const usable = quality !== null && reason === null && vector !== null;
    return { box: Float32Array.from(box), quality, reason, vector: usable ? Float32Array.from(vector) : null };
  }

  #unconfirmed(trackId, at) {
    const identity = trackId === null ? undefined : this.#identities.get(trackId);
    return identity === undefined || this.#isStale(identity) ? Infinity : identity.unconfirmed(at);
  }

  /** The state of the track; reset when its person was forgotten. */
  #identityOf(trackId, at) {
    const known = this.#identities.get(trackId);
    if (known !== undefined && !this.#isStale(known)) return known;
    const identity = new TrackIdentity(at, unidentifiedId(this.#camera, trackId));
    this.#identities.set(trackId, identity);
    return identity;
  }

  #isStale({ recordedId }) {
    return recordedId !== null && !isUnidentified(recordedId) && this.gallery.person(recordedId) === null;
  }

  #vote(identity, { quality, reason, vector }, at) {
    if (reason !== null) {
      identity.vote.skip(reason);
      return;
    }
    if (vector === null) {
      identity.followed += 1;
      return;
    }
    const settings = this.#settings.match;
    const found = this.gallery.nearest(vector);
    const verdict = verdictOf(found, quality, settings);
    const margin = verdictMargin(found, verdict, settings);
    identity.vote.add(found, verdict, {
      weight: weightOf(quality, margin, settings.full_margin),
      quality: quality.score,
      vector,
      faces: identity.note(verdict, verdict === MATCH ? found.personId : null, margin, at, settings),
    });
  }

  /** The person id of the track, null while undecided. */
  #decide(identity) {
    identity.result = identity.vote.result(this.#settings.match, identity.result);
    identity.reason = identity.result.reason;
    if (identity.result.kind === PERSON) return identity.result.personId;
    return identity.result.kind === STRANGER ? identity.unidentifiedId : null;
  }

  /**
   * The previous name of the track if it was wrong from the start; null otherwise. Where a track switched from one
   * person to another, the name was right until then, and the track starts again with the other person.
   */
  #wrongName(identity, votedId) {
    const previousId = identity.sightedId;
    if (previousId === null || previousId === votedId || identity.result.kind === UNKNOWN) return null;
    identity.sightedId = null;
    const candidate = previousId === identity.unidentifiedId ? null : previousId;
    if (!this.#wasRight(candidate, identity.vote, identity.result.personId)) return previousId;
    identity.startedAt = identity.changedAt;
    return null;
  }

  /** Whether more faces matched the earlier candidate, and most of the best of them still do. */
  #wasRight(candidate, vote, instead) {
    const [before, now] = [vote.counts.get(candidate), vote.counts.get(instead)];
    if (before === undefined || now === undefined || candidate === instead) return false;
    if (now.sightings > before.sightings) return false;
    const vectors = vote.vectorsOf(candidate);
    const still = vectors.filter((vector) => {
      const found = this.gallery.nearest(vector);
      const verdict = classify(found, this.#settings.match);
      return candidate === null ? verdict === STRANGER : verdict === MATCH && found.personId === candidate;
    });
    return 2 * still.length > vectors.length;
  }

  /** A decision about a track; somebody unidentified is nobody that it could name. */
  #match({ result, reason }, trackId, at, personId) {
    const namedId = personId === null || isUnidentified(personId) ? null : personId;
    const { distance, margin, quality } = result;
    const authorised = namedId !== null && (this.gallery.person(namedId)?.authorised ?? false);
    return matchOf(this.#camera, { trackId, at, personId: namedId, distance, margin, quality, authorised, reason });
  }

  /** Drop ended tracks; returns matches, dated at the last sighting, of those never identified. */
  #close(ended) {
    const matches = [];
    for (const { trackId, seenAt, hits } of ended) {
      const identity = this.#identities.get(trackId);
      this.#identities.delete(trackId);
      if (identity === undefined || identity.result === null) continue;
      if (identity.recordedId === null && hits >= MIN_HITS_RECORDED) {
        matches.push(this.#match(identity, trackId, seenAt, null));
      }
    }
    return matches;
  }
}

/** A person appears once per frame: of tracks with one identity, the one with the smallest distance keeps it. */
function resolveDuplicates(identities, decided) {
  const named = decided.filter((personId) => personId !== null);
  for (const personId of new Set(named)) {
    const rows = decided.map((each, row) => (each === personId ? row : -1)).filter((row) => row >= 0);
    const best = rows.reduce((one, row) => (identities[row].distance < identities[one].distance ? row : one));
    for (const row of rows.filter((each) => each !== best)) {
      decided[row] = null;
      identities[row].reason = `looks like ${personId}, who is elsewhere in the frame`;
    }
  }
}

/** The middle of a box in fractions of the frame, in single precision. */
export function centre([x1, y1, x2, y2], [width, height]) {
  const single = Math.fround;
  const fraction = (one, other, size) => Math.min(Math.max(single(single(single(one + other) / 2) / size), 0), 1);
  return { x: fraction(x1, x2, width), y: fraction(y1, y2, height) };
}
