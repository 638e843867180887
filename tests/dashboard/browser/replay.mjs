// Replays traces, one line of JSON each, through the browser's camera; answers with one line for each.
import { createInterface } from "node:readline";
import { assign } from "../../../dashboard/browser/src/agent/assignment.js";
import { Camera } from "../../../dashboard/browser/src/agent/camera.js";
import { Gallery } from "../../../dashboard/browser/src/identity/match.js";
import { rejection } from "../../../dashboard/browser/src/identity/rejection.js";
import { contentId, microseconds, timeText, unidentifiedId } from "../../../dashboard/browser/src/presence/events.js";

/** An outcome for each step of the trace. */
function replay({ options, steps }) {
  let camera = new Camera({ ...options, gallery: galleryOf(options.gallery) });
  return steps.map((step) => {
    if (step.kind === "end") return camera.end();
    const outcome = step.kind === "frame" ? frame(camera, step) : camera.pause();
    if (step.kind === "restart") {
      const state = JSON.parse(JSON.stringify(camera.state()));
      camera = new Camera({ ...options, gallery: galleryOf(step.gallery), state });
    } else if (step.gallery !== null) {
      outcome.present = camera.setGallery(galleryOf(step.gallery)).present; // the agent reports after it has done so
    }
    return outcome;
  });
}

/** One frame, examined as the camera asks. */
function frame(camera, { at, width, height, faces }) {
  const found = faces.map(({ box }) => ({ box, quality: null, vector: null }));
  const due = camera.due(found, at);
  const examined = faces.map((face, row) => {
    return due[row] ? { ...face, vector: Float32Array.from(face.vector) } : found[row];
  });
  return { ...camera.observe({ at, width, height, faces: examined }), due };
}

/** people: null where they are not known. */
function galleryOf(people) {
  if (people === null) return null;
  const floats = (vectors) => vectors.map((vector) => Float32Array.from(vector));
  return {
    people: people.map((each) => ({ ...each, vectors: floats(each.vectors), negatives: floats(each.negatives) })),
  };
}

const ANSWERS = {
  replay,
  nearest: ({ people, vector }) => new Gallery(galleryOf(people).people).nearest(Float32Array.from(vector)),
  assign: ({ cost }) => assign(cost),
  microseconds: ({ seconds }) => microseconds(seconds),
  content_id: ({ parts }) => contentId(...parts),
  unidentified_id: ({ site_id: siteId, camera_id: cameraId, track_id: trackId }) =>
    unidentifiedId({ siteId, cameraId }, trackId),
  time_text: ({ at }) => timeText(at),
  rejection: ({ quality, settings }) => rejection(quality, settings),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: ANSWERS[what](request) };
  } catch (error) {
    answer = { error: `${error}`, stack: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
