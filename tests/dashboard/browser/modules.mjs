// Runs delivery and the parts of the page that need no browser in Node. A line of standard input is one call, a line of output its result.
import { createInterface } from "node:readline";
import { allowing, cameraError, CameraError, withoutCameras } from "../../../dashboard/browser/src/app/camera_problems.js";
import { requireClock } from "../../../dashboard/browser/src/app/connection.js";
import { insideOf, sidesOf } from "../../../dashboard/browser/src/app/line_editor.js";
import { overHeartbeat, Watch, watchFields } from "../../../dashboard/browser/src/app/watch.js";
import { DeliveryError } from "../../../dashboard/browser/src/delivery/errors.js";
import { FirestoreTransport } from "../../../dashboard/browser/src/delivery/firestore.js";
import { opened } from "../../../dashboard/browser/src/delivery/gallery.js";
import { keyOfFragment, keyOfText } from "../../../dashboard/browser/src/delivery/pairing.js";
import { settingsOf } from "../../../dashboard/browser/src/delivery/settings.js";
import { Gallery } from "../../../dashboard/browser/src/identity/match.js";
import { clockOf, delivered, deliveredAfterAnHourAway } from "./delivery.mjs";

const calls = {
  config: (transport) => transport.config(),
  gallery: async (transport, { version }) => shown(await transport.gallery(version)),
  send: (transport, { body }) => transport.send(body),
  delivered: (_, given) => delivered(given),
  delivered_after_an_hour_away: () => deliveredAfterAnHourAway(),
  connection_clock: (_, given) => clockOf(given),
  pasted: (_, { text, page }) => keyOfText(text, page),
  fragment: (_, { text, page }) => keyOfFragment(text, page),
  opened: async (_, { sealed, device }) => shown({ gallery: await opened(bytesOf(sealed), device) }),
  nearest: async (_, { sealed, device, vector }) => {
    const { people } = await opened(bytesOf(sealed), device);
    return new Gallery(people).nearest(Float32Array.from(vector));
  },
  camera_error: (_, { name, agent }) => ({ ...cameraError({ name }, agent) }),
  without_cameras: (_, { page }) => ({ ...withoutCameras(page) }),
  allowing: (_, { agent }) => allowing(agent),
  clock: (_, { server, here }) => requireClock(server, here) ?? null,
  sides: (_, { line }) => sidesOf(line),
  inside: (_, { line, inside }) => insideOf(line, inside),
  watch: (_, { times, frames }) => {
    const watch = new Watch(null, frames);
    const over = times.map((at) => watch.tick(at, at / 1000));
    const about = { camera_id: "hall", machine_id: "m", version: "1" };
    const spans = over.filter((each) => each !== null);
    const fps = watch.fps(times.at(-1) / 1000);
    return { over: spans.map((each) => overHeartbeat(each, about)), now: watchFields(watch.span), fps, frames: watch.frames };
  },
  settings: (_, { shared, embedder, people }) => settingsOf(shared, embedder, people),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, key, owners = {}, now, ...given } = JSON.parse(line);
  const options = { personOf: async (id) => owners[id] ?? "", ...(now && { now: () => now }) };
  let answer;
  try {
    answer = { result: await calls[call](key && new FirestoreTransport(key, options), given) };
  } catch (error) {
    if (!(error instanceof DeliveryError || error instanceof CameraError)) throw error;
    answer = { error: error.problem, fix: error.fix, retryable: error.retryable, revoked: error.revoked };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function bytesOf(text) {
  return Uint8Array.from(Buffer.from(text, "base64")).buffer;
}

function shown(found) {
  if (found === null) return null;
  const people = found.gallery.people.map((each) => ({ ...each, vectors: each.vectors.map((vector) => [...vector]) }));
  return { ...found, gallery: { ...found.gallery, people } };
}
