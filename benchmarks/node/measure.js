// What every measured page has: pictures as canvases, and times of jobs. A page defines window.jobs, functions by name.

/** Wall times of a job, ms, and what it returned last. */
window.measure = async (job, picture, repeats) => {
  const canvas = await window.canvasOf(picture);
  const walls = [];
  let result = null;
  for (let count = 0; count < repeats; count++) {
    const start = performance.now();
    result = await window.jobs[job](canvas);
    walls.push(performance.now() - start);
  }
  return { walls, result };
};

const canvases = new Map();

window.canvasOf = async (picture) => {
  if (!canvases.has(picture)) {
    const bitmap = await createImageBitmap(await (await fetch(picture)).blob());
    const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0);
    canvases.set(picture, canvas);
  }
  return canvases.get(picture);
};
