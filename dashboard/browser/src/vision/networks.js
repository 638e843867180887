/** Networks on TensorFlow.js' WebAssembly backend, which is as fast as LiteRT's and takes batches of any size. */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

/** TensorFlow.js uses half of the cores: with fewer it would load eight workers to use one. */
const CORES_FOR_THREADS = 4;

/**
 * Prepare the backend: with SIMD where the browser has it, and threads where the page is cross-origin isolated and there
 * are cores for them.
 *
 * @param {string} baseUrl address of the folder with wasm/, absolute, with a slash at the end
 */
export async function startBackend(baseUrl) {
  if (tf.getBackend() === "wasm") return;
  if ((globalThis.navigator?.hardwareConcurrency ?? 1) < CORES_FOR_THREADS) {
    tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  }
  setWasmPaths(new URL("wasm/", baseUrl).href, true);
  if (!(await tf.setBackend("wasm"))) {
    throw new Error("This browser cannot run WebAssembly. Use a current version of Chrome, Edge, Firefox or Safari.");
  }
}

/** A network. Not for use after `dispose`. */
export class Network {
  #model;

  constructor(model) {
    this.#model = model;
  }

  /**
   * @param {string} baseUrl address of the folder with networks/, absolute, with a slash at the end
   * @param {string} name
   */
  static async load(baseUrl, name) {
    return new Network(await loadGraphModel(new URL(`networks/${name}/model.json`, baseUrl).href));
  }

  /**
   * @param {Float32Array} values
   * @param {number[]} shape
   * @returns {{ values: Float32Array, shape: number[] }[]} the outputs, in the order of the network's card
   */
  run(values, shape) {
    return tf.tidy(() => {
      const outputs = [this.#model.predict(tf.tensor(values, shape))].flat();
      return outputs.map((output) => ({ values: output.dataSync(), shape: output.shape }));
    });
  }

  dispose() {
    this.#model.dispose();
  }
}
