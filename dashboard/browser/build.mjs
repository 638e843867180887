// Builds the browser camera into dist/: bundles the scripts, copies public/ and TensorFlow.js' WebAssembly files.
//
// dist/main-HASH.js, dist/worker-HASH.js    the page's script, which index.html names as "main.js", and its worker
// dist/service_worker.js                    keeps its name, by which browsers know it
// dist/hints.js                             the worker of the dashboard's page for enrolment, which knows it by its name
// dist/wasm/                                loaded by src/vision/networks.js
// dist/files.json                           every file but the service worker, hints.js and this one; written last
//
// What the scripts know of the build, replaced in them as text: __WORKER__ (string, file name of the worker), __FILES__
// (string[], the files of files.json, for the service worker's cache), __VERSION__ (string, changes with any of them).
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const dist = path.join(root, "dist");
const wasm = path.join(root, "node_modules/@tensorflow/tfjs-backend-wasm/dist");
const FILES = "files.json";
/** Modules of Node that TensorFlow.js asks for where it finds itself in Node. */
const NODE_MODULES = ["fs", "os", "path", "perf_hooks", "util", "worker_threads"];

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
cpSync(path.join(root, "public"), dist, { recursive: true });
for (const name of readdirSync(wasm).filter((each) => each.endsWith(".wasm"))) {
  cpSync(path.join(wasm, name), path.join(dist, "wasm", name));
}

const worker = await bundle("worker", "worker-[hash]");
const main = await bundle("main", "main-[hash]", { __WORKER__: worker });
const page = path.join(dist, "index.html");
writeFileSync(page, readFileSync(page, "utf8").replaceAll("main.js", main));

const files = listed(dist);
const version = createHash("sha256");
for (const name of files) version.update(name).update(readFileSync(path.join(dist, name)));
await bundle("service_worker", "service_worker", { __FILES__: files, __VERSION__: version.digest("hex").slice(0, 16) });
await bundle("hints", "hints");
writeFileSync(path.join(dist, FILES), `${JSON.stringify(files, null, 2)}\n`);

/** Bundles src/app/NAME.js; returns the name of its file in dist. */
async function bundle(name, output, constants = {}) {
  const { metafile } = await build({
    entryPoints: [path.join(root, "src/app", `${name}.js`)],
    entryNames: output,
    outdir: dist,
    bundle: true,
    minify: true,
    metafile: true,
    format: "esm",
    target: ["es2022"],
    legalComments: "eof",
    external: NODE_MODULES,
    define: Object.fromEntries(Object.entries(constants).map(([key, value]) => [key, JSON.stringify(value)])),
    logLevel: "warning",
  });
  return path.basename(Object.keys(metafile.outputs)[0]);
}

/** The files below a folder, sorted, with slashes. */
function listed(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => path.relative(folder, path.join(each.parentPath, each.name)).replaceAll(path.sep, "/"))
    .sort();
}
