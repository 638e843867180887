// The browser camera's vision as a measured page.
import { embed, FaceEngine } from "../../dashboard/browser/src/vision/engine.js";

const { embedder, settings } = JSON.parse(decodeURIComponent(location.hash.slice(1)));

window.ready = FaceEngine.load({ baseUrl: new URL("/", location.href).href, embedder, settings }).then((engine) => {
  const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  window.jobs = {
    detect: async (canvas) => (await engine.detect(pixels(canvas))).length,
    analyse: async (canvas) => {
      const picture = pixels(canvas);
      const faces = await engine.detect(picture);
      const examined = await engine.examine(picture, faces, faces.map(() => true));
      return examined.filter((face) => face.vector).length;
    },
    embed: async (canvas) => embed(engine.networks[embedder], pixels(canvas)).length,
  };
});
