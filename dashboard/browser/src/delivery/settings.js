/** The settings of a camera without a dashboard: the defaults of config/settings.py, and the site's own over them. */

const DEFAULTS = {
  detect: {
    detector: "mtcnn", min_face: 20, scale_factor: 0.709, proposal_threshold: 0.6, refine_threshold: 0.7,
    output_threshold: 0.8, max_faces: null, region: [0, 0, 1, 1],
  },
  quality: { min_width: 32, min_sharpness: 1.5, max_yaw: 75, max_pitch: 0.8, min_contrast: 0.02, max_clipped: 0.5 },
  match: { min_sightings: 2, visitor_sightings: 4 },
  track: { max_gap_s: 1.5, min_iou: 0.3 },
  presence: {
    exit_after_s: 30, merge_gap_s: 300, min_visit_s: 0, max_visit_s: 57_600, max_unseen_s: 7_200, skew_s: 2,
    closes_at: null, opens_at: null,
  },
};
const SHARED = ["presence", "match", "quality"];

/** By name of the network, the usual one first: distances for up to so many people, as models/catalog.py has them. */
export const EMBEDDERS = {
  sface: {
    limits: [
      { people: 100, max_distance: 1.05, stranger_distance: 1.13 },
      { people: Infinity, max_distance: 1, stranger_distance: 1.1 },
    ],
    min_margin: 0.06,
    clear_by: 0.06,
    full_margin: 0.25,
  },
  dlib_resnet: {
    limits: [
      { people: 100, max_distance: 0.38, stranger_distance: 0.6 },
      { people: Infinity, max_distance: 0.36, stranger_distance: 0.6 },
    ],
    min_margin: 0.05,
    clear_by: 0.05,
    full_margin: 0.2,
  },
};

/**
 * All settings of a camera.
 * @param {Record<string, Record<string, unknown>>} shared sections of the site's document
 * @param {string} embedder name of the network
 * @param {number} people in the gallery
 */
export function settingsOf(shared, embedder, people) {
  const settings = structuredClone(DEFAULTS);
  for (const section of SHARED) Object.assign(settings[section], shared[section]);
  settings.match = { ...distances(shared.match ?? {}, EMBEDDERS[embedder], people), ...settings.match };
  return settings;
}

/** The distances of a network; an unset one moves to the given one where it has to. */
function distances(given, { limits, ...margins }, people) {
  const { max_distance, stranger_distance } = limits.find((each) => people <= each.people);
  return {
    max_distance: Math.min(max_distance, given.stranger_distance ?? Infinity),
    stranger_distance: Math.max(stranger_distance, given.max_distance ?? -Infinity),
    ...margins,
  };
}
