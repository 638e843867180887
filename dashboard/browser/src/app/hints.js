/**
 * The worker of the dashboard's page of enrolment: looks at frames, so that hints need no server.
 *
 * In: {baseUrl, settings} once, then {picture, taken} for each frame. Out: {ready: true}, then for each frame
 * {faces: [{box, points}], hint, promising}; {problem} where that fails.
 */
import { advice, prominent } from "../identity/shots.js";
import { FaceEngine } from "../vision/engine.js";

let engine = null;

async function answer({ baseUrl, settings, picture, taken }) {
  if (picture === undefined) {
    engine = await FaceEngine.load({ baseUrl, embedder: null, settings });
    return { ready: true };
  }
  const found = prominent(await engine.detect(picture));
  const faces = found.length === 1 ? await engine.examine(picture, found, [true]) : found;
  return { faces: faces.map(({ box, landmarks }) => ({ box, points: landmarks })), ...advice(faces, taken) };
}

self.addEventListener("message", async ({ data }) => {
  try {
    self.postMessage(await answer(data));
  } catch (error) {
    self.postMessage({ problem: String(error) });
  }
});
