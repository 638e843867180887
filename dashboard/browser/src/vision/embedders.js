/** The networks that embed faces, and the chips they take; see tracker/vision/embedders.py. */

/**
 * Reproduces the chips of dlib's `get_face_chip` with padding 0.25.
 *
 * @type {import("./align.js").ChipLayout}
 */
export const DLIB_CHIP = {
  side: 150,
  template: [[46.8, 45.1], [100.6, 44.9], [73.4, 77.1], [49.1, 100.0], [98.8, 98.9]],
};

/**
 * Source: Deng et al., ArcFace (2019), `arcface_dst` of insightface.
 *
 * @type {import("./align.js").ChipLayout}
 */
const ARCFACE_CHIP = {
  side: 112,
  template: [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
};

/**
 * Layout of the chips by name of the network.
 *
 * @type {Record<string, import("./align.js").ChipLayout>}
 */
export const CHIPS = { sface: ARCFACE_CHIP, dlib_resnet: DLIB_CHIP };
