/**
 * The face engine: detection, alignment, quality and embedding of one frame.
 *
 * @typedef {object} Face
 * @property {import("./boxes.js").Box} box px
 * @property {number} score 0..1
 * @property {import("./cascade.js").Landmarks} landmarks px
 * @property {import("./quality.js").Quality | null} quality null for a face that was not examined
 * @property {string | null} fault what makes an examined face not good enough for recognition, one of Fault
 * @property {Float32Array | null} vector (128,), null for a face that was not examined, is not good enough, or where
 *   the engine has no embedder
 *
 * @typedef {object} DetectSettings Those of the settings file, under their names there.
 * @property {number} min_face
 * @property {number} scale_factor
 * @property {number} proposal_threshold
 * @property {number} refine_threshold
 * @property {number} output_threshold
 * @property {number | null} max_faces
 */
import { align } from "./align.js";
import { Cascade } from "./cascade.js";
import { CHIPS } from "./embedders.js";
import { Network, startBackend } from "./networks.js";
import { MAX_PIXELS } from "./pixels.js";
import { assess, fault, QUALITY_CHIP } from "./quality.js";

const DETECTION = ["pnet", "rnet", "onet"];
/** Side of the smallest face of a width, as the detector counts it: a face is higher than wide. */
const SIDE_PER_WIDTH = 1.25;

export class FaceEngine {
  /** See `load`. */
  constructor(networks, embedder, { detect, quality }) {
    this.networks = networks;
    this.embedder = embedder;
    this.quality = quality;
    this.maxFaces = detect.max_faces ?? Infinity;
    this.cascade = new Cascade(networks, {
      minFace: Math.max(detect.min_face, embedder === null ? 0 : Math.round(SIDE_PER_WIDTH * quality.min_width)),
      scaleFactor: detect.scale_factor,
      thresholds: [detect.proposal_threshold, detect.refine_threshold, detect.output_threshold],
    });
  }

  /**
   * An engine with its networks. Where it embeds, faces too small for recognition are not searched for: without a name
   * or a vector they would only make the search slower.
   *
   * @param {object} options
   * @param {string} options.baseUrl address of the folder with wasm/ and networks/, absolute, with a slash at the end
   * @param {string | null} options.embedder name of the network of the gallery's vectors, "sface" or "dlib_resnet";
   *   null: faces get no vectors
   * @param {{ detect: DetectSettings, quality: import("./quality.js").QualitySettings }} options.settings
   * @returns {Promise<FaceEngine>}
   */
  static async load({ baseUrl, embedder, settings }) {
    if (embedder !== null && !Object.hasOwn(CHIPS, embedder)) {
      throw new Error(`embedder: expected ${Object.keys(CHIPS).join(", ")} or null, got ${embedder}`);
    }
    await startBackend(baseUrl);
    const names = embedder === null ? DETECTION : [...DETECTION, embedder];
    const loaded = await Promise.all(names.map((name) => Network.load(baseUrl, name)));
    return new FaceEngine(Object.fromEntries(names.map((name, row) => [name, loaded[row]])), embedder, settings);
  }

  /**
   * The faces of a frame, by descending score, not examined.
   *
   * @param {import("./pixels.js").Picture} picture
   * @returns {Promise<Face[]>}
   */
  async detect(picture) {
    requirePicture(picture);
    const faces = this.cascade.detect(picture).slice(0, this.maxFaces);
    return faces.map((face) => ({ ...face, quality: null, fault: null, vector: null }));
  }

  /**
   * The same faces, with the quality of those that are due, and vectors of those that are good enough.
   *
   * @param {import("./pixels.js").Picture} picture
   * @param {Face[]} faces
   * @param {boolean[]} due
   * @returns {Promise<Face[]>}
   */
  async examine(picture, faces, due) {
    requirePicture(picture);
    return faces.map((face, row) => (due[row] ? this.#examined(picture, face) : face));
  }

  /** Frees the memory of the networks. */
  dispose() {
    for (const network of Object.values(this.networks)) network.dispose();
  }

  #examined(picture, face) {
    const chip = align(picture, face.landmarks, QUALITY_CHIP);
    const quality = assess(face, chip);
    const found = fault(quality, this.quality);
    if (found || this.embedder === null) return { ...face, quality, fault: found, vector: null };
    const layout = CHIPS[this.embedder];
    const embedded = layout === QUALITY_CHIP ? chip : align(picture, face.landmarks, layout);
    return { ...face, quality, fault: null, vector: embed(this.networks[this.embedder], embedded) };
  }
}

/** @returns {Float32Array} (128,) */
export function embed(network, { data, width, height }) {
  const pixels = new Float32Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from++) if (from % 4 < 3) pixels[to++] = data[from];
  return network.run(pixels, [1, height, width, 3])[0].values;
}

function requirePicture({ data, width, height }) {
  if (data.length !== 4 * width * height || width * height > MAX_PIXELS) {
    const expected = `RGBA of at most ${MAX_PIXELS} pixels`;
    throw new RangeError(`picture: expected ${expected}, got ${data.length} bytes for ${width}x${height}`);
  }
}
