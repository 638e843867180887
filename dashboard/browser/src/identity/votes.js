// The identity of a track, by a weighted vote over its faces. The rules of tracker/identity/votes.py.
import { byText } from "../presence/events.js";
import { MATCH, STRANGER, UNSURE, classify, isWithin, limitBy } from "./match.js";
import { fixed } from "./wording.js";

/**
 * @typedef {import("./match.js").Nearest} Nearest
 * @typedef {import("./match.js").MatchSettings} MatchSettings
 * @typedef {import("./match.js").Verdict} Verdict
 * The current outcome. personId: for a person, else null. distance, margin, quality: of the nearest face of the winner,
 * for unknown of any face.
 * @typedef {{ kind: "person" | "stranger" | "unknown", personId: string | null, distance: number | null,
 *   margin: number | null, quality: number, reason: string }} VoteResult
 * The votes for one candidate: how many faces, their weight, and the nearest of them.
 * @typedef {{ sightings: number, weight: number, nearest: Nearest | null, quality: number }} VoteCount
 */

export const PERSON = "person";
export const UNKNOWN = "unknown";
/** Required ratio of the winner's weight to the runner-up's; less is a tie. */
const MIN_LEAD_RATIO = 1.5;
/** Weights are scaled down to this total, so that old faces count less and the result can change. */
const MAX_TOTAL_WEIGHT = 30;
const MAX_VECTORS = 8;
const FULL_WIDTH_PX = 80;
const FULL_SHARPNESS = 6;
/** Degrees. Turned further, a face is far from frontal pictures of anybody. */
const MAX_STRANGER_YAW = 45;
/** Faces of which less is seen are far from open ones of the same person. */
const MIN_STRANGER_EYES = 0.3;
const DEGREE = Math.PI / 180;

/** The votes of a track's faces so far, by person id, null for a stranger. */
export class Vote {
  /** @type {Map<string | null, VoteCount>} */
  counts = new Map();
  #closest = null;
  #skipped = 0;
  #skipReason = "";
  #faces = new Map();

  /** Add a face that votes for `faces`, itself included. @param {Nearest | null} found @param {Verdict} verdict */
  add(found, verdict, { weight, quality, vector, faces }) {
    const face = { sightings: faces, weight: faces * weight, nearest: found, quality };
    this.#closest = nearer(this.#closest, face);
    if (verdict === UNSURE) return;
    const candidate = verdict === MATCH ? found.personId : null;
    this.counts.set(candidate, summed(this.counts.get(candidate), face));
    this.#limit();
    const kept = [...(this.#faces.get(candidate) ?? []), { weight, vector }];
    this.#faces.set(candidate, kept.sort((one, other) => other.weight - one.weight).slice(0, MAX_VECTORS));
  }

  /** Count a face of insufficient quality; it does not change the result. @param {string} reason */
  skip(reason) {
    this.#skipped += 1;
    this.#skipReason = reason;
  }

  /** The vectors with the highest weights for a candidate. @returns {Float32Array[]} */
  vectorsOf(candidate) {
    return (this.#faces.get(candidate) ?? []).map((face) => face.vector);
  }

  /**
   * The identity of the track. previous: the last result, kept until another candidate clearly leads.
   * @param {MatchSettings} settings @param {VoteResult | null} previous @returns {VoteResult}
   */
  result(settings, previous) {
    const ranked = [...this.counts].sort(
      ([one, first], [other, second]) => second.weight - first.weight || byText(one ?? "", other ?? ""),
    );
    if (!ranked.length) return this.#unknown(this.#whyUnknown(settings));
    const [[candidate, count], rival] = ranked;
    if (previous !== null && previous.kind !== UNKNOWN) {
      const held = this.counts.get(previous.personId);
      if (held !== undefined && !isClearlyBehind(held, candidate, count, settings)) {
        return named(previous.personId, held);
      }
    }
    if (rival !== undefined && count.weight < MIN_LEAD_RATIO * rival[1].weight) {
      return this.#unknown(`undecided between ${label(candidate)} and ${label(rival[0])}`);
    }
    const missing = whatIsMissing(candidate, count, settings);
    return missing === null ? named(candidate, count) : this.#unknown(missing);
  }

  #limit() {
    const total = [...this.counts.values()].reduce((sum, count) => sum + count.weight, 0);
    if (total <= MAX_TOTAL_WEIGHT) return;
    for (const [key, count] of this.counts) {
      this.counts.set(key, { ...count, weight: (count.weight * MAX_TOTAL_WEIGHT) / total });
    }
  }

  #whyUnknown(settings) {
    const found = this.#closest?.nearest ?? null;
    if (found !== null && isWithin(found, settings)) {
      const { personId, distance, margin } = found;
      return `${personId} at ${fixed(distance, 2)}, but the next person is only ${fixed(margin, 2)} farther`;
    }
    if (found !== null) return `between match and stranger: ${found.personId} at ${fixed(found.distance, 2)}`;
    if (this.#skipped) return `no usable face among ${this.#skipped}; the last is ${this.#skipReason}`;
    return "no faces yet";
  }

  #unknown(reason) {
    const found = this.#closest?.nearest ?? null;
    const [distance, margin] = [found?.distance ?? null, found?.margin ?? null];
    return { kind: UNKNOWN, personId: null, distance, margin, quality: this.#closest?.quality ?? 0, reason };
  }
}

/** The weight of a face's vote: size, root of sharpness, visible width, and margin of the verdict. */
export function weightOf({ widthsPx, sharpness, yaw }, margin, fullMargin) {
  const size = clamped(widthsPx / FULL_WIDTH_PX, 0.1);
  const sharp = clamped(Math.sqrt(Math.max(sharpness, 0) / FULL_SHARPNESS), 0.1);
  const clear = margin === null ? 1 : clamped(margin / fullMargin, 0.2);
  return size * sharp * clear * Math.max(Math.cos(yaw * DEGREE), 0.1);
}

/** The verdict on a face. A turned or covered face can show who it is, but not that it is a stranger. */
export function verdictOf(found, { yaw, eyes }, settings) {
  const verdict = classify(found, settings);
  const isOpen = yaw <= MAX_STRANGER_YAW && eyes >= MIN_STRANGER_EYES;
  return verdict === STRANGER && !isOpen ? UNSURE : verdict;
}

/** The margin of a face's verdict, for its weight; null where there is none. */
export function verdictMargin(found, verdict, settings) {
  if (found === null || found.excluded || verdict === UNSURE) return null;
  if (verdict === MATCH) return Math.min(found.margin, limitBy(found, settings) - found.distance + settings.clear_by);
  return Math.max(0, found.distance - settings.stranger_distance + settings.clear_by);
}

function isClearlyBehind(count, candidate, winner, settings) {
  return winner.weight >= MIN_LEAD_RATIO * count.weight && whatIsMissing(candidate, winner, settings) === null;
}

function named(candidate, { nearest, sightings, quality }) {
  const kind = candidate === null ? STRANGER : PERSON;
  const [distance, margin] = [nearest?.distance ?? null, nearest?.margin ?? null];
  const reason = `${label(candidate)} by ${sightings} sightings${evidence(candidate, nearest)}`;
  return { kind, personId: candidate, distance, margin, quality, reason };
}

function evidence(candidate, nearest) {
  if (nearest === null) return ": nobody is enrolled";
  if (candidate === null && nearest.excluded) return `: nearer to a face marked as not ${nearest.personId}`;
  if (candidate === null) return `: nobody nearer than ${fixed(nearest.distance, 2)}`;
  const clear = Number.isFinite(nearest.margin) ? `, the next ${fixed(nearest.margin, 2)} farther` : "";
  return `, nearest ${fixed(nearest.distance, 2)}${clear}`;
}

/** Why a leading candidate does not win yet; a person needs at least one face well below the limit. */
function whatIsMissing(candidate, { sightings, nearest }, settings) {
  const needed = candidate === null ? settings.visitor_sightings : settings.min_sightings;
  if (sightings < needed) return `${label(candidate)} so far: ${sightings} of ${needed} good sightings`;
  if (candidate === null || nearest === null) return null;
  const clear = limitBy(nearest, settings) - settings.clear_by;
  if (nearest.distance <= clear) return null;
  return `${candidate} only near the limit: nearest ${fixed(nearest.distance, 2)}, ${fixed(clear, 2)} required`;
}

function label(candidate) {
  return candidate ?? "a stranger";
}

function summed(before, face) {
  if (before === undefined) return face;
  const { nearest, quality } = nearer(before, face);
  return { nearest, quality, sightings: before.sightings + face.sightings, weight: before.weight + face.weight };
}

/** The one with the smaller distance. */
function nearer(before, face) {
  if (before === null) return face;
  return (face.nearest?.distance ?? Infinity) < (before.nearest?.distance ?? Infinity) ? face : before;
}

function clamped(value, least) {
  return Math.min(Math.max(value, least), 1);
}
