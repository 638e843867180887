// Matching: the nearest person of the gallery, and whether the distance is small enough.
// The rules of tracker/identity/{gallery,match}.py.

/**
 * An enrolled person. limit: the person's own maximum distance. negatives: faces that are known not to be this person.
 * @typedef {{ person_id: string, name: string, authorised: boolean, vectors: Float32Array[], limit?: number | null,
 *   negatives?: Float32Array[] }} Person
 * The nearest person. margin: to the distance of the next person or of the nearest negative; infinite without either.
 * excluded: everybody has a negative nearer than any own vector.
 * @typedef {{ personId: string, distance: number, margin: number, limit: number | null, excluded: boolean }} Nearest
 * @typedef {{ max_distance: number, min_margin: number, stranger_distance: number, clear_by: number,
 *   min_sightings: number, visitor_sightings: number, full_margin: number }} MatchSettings
 * UNSURE: between match and stranger, or too close to call between two people.
 * @typedef {"match" | "stranger" | "unsure"} Verdict
 */

export const MATCH = "match";
export const STRANGER = "stranger";
export const UNSURE = "unsure";

/** The enrolled people whom a camera recognises. */
export class Gallery {
  #people = new Map();
  #dimension = null;

  /** Throws RangeError on vectors that are not finite or of several dimensions. @param {Person[]} people */
  constructor(people) {
    for (const person of people) {
      for (const vector of [...person.vectors, ...(person.negatives ?? [])]) this.#check(vector);
      this.#people.set(person.person_id, person);
    }
  }

  /** @param {string} personId @returns {Person | null} */
  person(personId) {
    return this.#people.get(personId) ?? null;
  }

  /** The nearest person; null where nobody is enrolled. @param {Float32Array} vector @returns {Nearest | null} */
  nearest(vector) {
    this.#check(vector);
    const measured = [...this.#people.values()]
      .filter((person) => person.vectors.length)
      .map((person) => [person, closest(person.vectors, vector), closest(person.negatives ?? [], vector)]);
    const possible = measured.filter(([, distance, negative]) => negative >= distance);
    const excluded = possible.length === 0;
    const [first, second] = bestTwo(excluded ? measured : possible);
    if (first === undefined) return null;
    const [person, distance, negative] = first;
    const margin = Math.min(second?.[1] ?? Infinity, negative) - distance;
    return { personId: person.person_id, distance, margin, limit: person.limit ?? null, excluded };
  }

  #check(vector) {
    this.#dimension ??= vector.length;
    if (vector.length !== this.#dimension) {
      throw new RangeError(`vectors: expected ${this.#dimension} numbers, got ${vector.length}`);
    }
    if (!vector.every(Number.isFinite)) throw new RangeError("vectors: expected finite numbers");
  }
}

/** The verdict on a face. Without anybody to compare with, it is a stranger. */
export function classify(found, settings) {
  if (found === null || found.excluded) return STRANGER;
  if (isWithin(found, settings)) return found.margin >= settings.min_margin ? MATCH : UNSURE;
  return found.distance > settings.stranger_distance ? STRANGER : UNSURE;
}

/** The maximum distance of a match with the person. */
export function limitBy(found, settings) {
  return found.limit ?? settings.max_distance;
}

/** Whether the distance is within the limit, regardless of the margin. */
export function isWithin(found, settings) {
  return found.distance <= limitBy(found, settings);
}

/** Euclidean distance, summed in the order in which NumPy sums. */
export function distance(one, other) {
  const sums = new Float64Array(8);
  const whole = one.length - (one.length % 8);
  for (let i = 0; i < whole; i += 8) {
    for (let lane = 0; lane < 8; lane += 1) sums[lane] += (one[i + lane] - other[i + lane]) ** 2;
  }
  let sum = sums[0] + sums[1] + (sums[2] + sums[3]) + (sums[4] + sums[5] + (sums[6] + sums[7]));
  for (let i = whole; i < one.length; i += 1) sum += (one[i] - other[i]) ** 2;
  return Math.sqrt(sum);
}

function closest(vectors, vector) {
  return vectors.reduce((least, each) => Math.min(least, distance(each, vector)), Infinity);
}

/** The two with the smallest distances; of equal ones, the earlier. */
function bestTwo(measured) {
  let [first, second] = [undefined, undefined];
  for (const each of measured) {
    if (first === undefined || each[1] < first[1]) [first, second] = [each, first];
    else if (second === undefined || each[1] < second[1]) second = each;
  }
  return [first, second];
}
