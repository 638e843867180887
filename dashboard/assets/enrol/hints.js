/* Hints that need no server: a worker of the browser camera looks at the frames, where it is built. */
import * as server from "./server.js";

const ANSWER_MS = 20_000;
const CAMERA = new URL("../../camera/", import.meta.url);

export class Hints {
  #worker = new Worker(new URL("hints.js", CAMERA), { type: "module" });
  #words;

  constructor(words) {
    this.#words = words;
  }

  /* Null where there is no worker or it cannot run here: the server gives the hints then. */
  static async start() {
    const { words, settings } = await server.hints();
    if (!words) return null;
    const hints = new Hints(words);
    try {
      await hints.#ask({ baseUrl: CAMERA.href, settings });
      return hints;
    } catch (error) {
      return hints.#fail(error);
    }
  }

  /* canvas: the frame. taken: the poses of the pictures so far. Null where that failed, for good. */
  async look(canvas, taken) {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    try {
      const found = await this.#ask({ picture: { data, width, height }, taken }, [data.buffer]);
      return { ...found, words: this.#words[found.hint] };
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error) {
    console.info(`The hints come from the server: ${error.message}`);
    this.close();
    return null;
  }

  close() {
    this.#worker.terminate();
  }

  /* One question at a time. */
  #ask(question, transferred = []) {
    return new Promise((done, refused) => {
      setTimeout(() => refused(new Error("the worker does not answer")), ANSWER_MS);
      this.#worker.onmessage = ({ data }) => (data.problem ? refused(new Error(data.problem)) : done(data));
      this.#worker.onerror = (event) => refused(new Error(event.message || "there is no worker"));
      this.#worker.postMessage(question, transferred);
    });
  }
}
