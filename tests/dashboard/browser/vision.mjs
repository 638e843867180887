// Runs the browser camera's vision: a request a line on stdin, an answer a line on stdout.
// Arguments: the folder of the networks' folders, and as JSON {embedder, settings}.
// Request: {call, picture: {data, width, height}, ...}; data: base64 of RGBA. null in landmarks and quality is NaN.
// Answer: {result}, or {error}.
import fs from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import readline from "node:readline";
import { advice, prominent } from "../../../dashboard/browser/src/identity/shots.js";
import { align } from "../../../dashboard/browser/src/vision/align.js";
import { clipped, suppressed } from "../../../dashboard/browser/src/vision/boxes.js";
import { CHIPS } from "../../../dashboard/browser/src/vision/embedders.js";
import { embed, FaceEngine } from "../../../dashboard/browser/src/vision/engine.js";
import { fault } from "../../../dashboard/browser/src/vision/quality.js";

const folder = process.argv[2];
const { embedder, settings } = JSON.parse(process.argv[3]);
const camera = path.resolve(import.meta.dirname, "../../../dashboard/browser");
const folders = { networks: folder, wasm: path.join(camera, "node_modules/@tensorflow/tfjs-backend-wasm/dist") };

const server = http.createServer(async (request, response) => {
  const [, root, ...names] = request.url.split("/");
  response.end(await fs.readFile(path.join(folders[root], ...names)));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseUrl = `http://127.0.0.1:${server.address().port}/`;
let loading = null;
const loaded = () => (loading ??= FaceEngine.load({ baseUrl, embedder, settings }));

const calls = {
  analyse: async ({ picture, due }) => {
    const engine = await loaded();
    const faces = await engine.detect(picture);
    const examined = await engine.examine(picture, faces, due ?? faces.map(() => true));
    return examined.map((face) => ({ ...face, vector: face.vector && [...face.vector] }));
  },
  advise: async ({ picture, taken }) => {
    const engine = await loaded();
    const faces = prominent(await engine.detect(picture));
    return advice(await engine.examine(picture, faces, faces.map(() => true)), taken);
  },
  chip: ({ picture, landmarks, embedder: name }) => {
    const points = landmarks.map((point) => point.map((value) => value ?? NaN));
    return Buffer.from(align(picture, points, CHIPS[name]).data).toString("base64");
  },
  fault: ({ quality }) => fault(withNaN(quality), settings.quality),
  suppressed: ({ candidates, maxOverlap, bySmaller }) => suppressed(candidates, maxOverlap, { bySmaller }),
  clipped: ({ box, size }) => clipped(box, size),
  embed: async ({ picture }) => [...embed((await loaded()).networks[embedder], picture)],
};

function withNaN(quality) {
  return Object.fromEntries(Object.entries(quality).map(([name, value]) => [name, value ?? NaN]));
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, picture, ...others } = JSON.parse(line);
  const data = picture && Uint8ClampedArray.from(Buffer.from(picture.data, "base64"));
  try {
    const result = await calls[call]({ picture: { ...picture, data }, ...others });
    process.stdout.write(`${JSON.stringify({ result })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: error.stack })}\n`);
  }
}
server.close();
