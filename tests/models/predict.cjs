// Runs exported TensorFlow.js models on WebAssembly: a request a line on stdin, an answer a line on stdout.
// Request: {folder, shape, data}; answer: {outputs: [{shape, data}]} in the order of the model's signature, or {error}.
// data: base64 of little-endian float32.
"use strict";

const fs = require("node:fs/promises");
const path = require("node:path");
const readline = require("node:readline");
const { createRequire } = require("node:module");

const requireOfCamera = createRequire(path.join(__dirname, "../../dashboard/browser/package.json"));
const tf = requireOfCamera("@tensorflow/tfjs-core");
const { loadGraphModel } = requireOfCamera("@tensorflow/tfjs-converter");
requireOfCamera("@tensorflow/tfjs-backend-wasm");

const models = new Map();

/** The model of a folder, loaded as a browser loads it, but from files. */
function load(folder) {
  const fetchFunc = async (url) => new Response(await fs.readFile(path.join(folder, path.posix.basename(url))));
  return loadGraphModel(tf.io.http("http://models/model.json", { fetchFunc }));
}

async function answer({ folder, shape, data }) {
  if (!models.has(folder)) models.set(folder, await load(folder));
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  const input = tf.tensor(new Float32Array(bytes.buffer), shape);
  const outputs = [models.get(folder).predict(input)].flat();
  const found = outputs.map((output) => {
    const values = output.dataSync();
    const encoded = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
    return { shape: output.shape, data: encoded };
  });
  tf.dispose([input, outputs]);
  return { outputs: found };
}

async function main() {
  await tf.setBackend("wasm");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const found = await answer(JSON.parse(line)).catch((error) => ({ error: error.stack }));
    process.stdout.write(`${JSON.stringify(found)}\n`);
  }
}

main();
