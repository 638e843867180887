/** Boxes and names over the picture, drawn on this device only. */

const FONT = "600 15px system-ui, sans-serif";
const COLOURS = { known: "#3fbfa3", unidentified: "#f0a24e", unsure: "rgb(255 255 255 / 70%)" };

/** Where a picture lies in an element that shows all of it, px: left, top, width, height. */
function pictureIn({ clientWidth, clientHeight }, { width, height }) {
  const scale = Math.min(clientWidth / width, clientHeight / height);
  const [shownWidth, shownHeight] = [width * scale, height * scale];
  return {
    left: (clientWidth - shownWidth) / 2,
    top: (clientHeight - shownHeight) / 2,
    width: shownWidth,
    height: shownHeight,
  };
}

/** Lay an element over the picture of a video. */
export function layOver(overlay, video) {
  const size = { width: video.videoWidth || 16, height: video.videoHeight || 9 };
  const { left, top, width, height } = pictureIn(video, size);
  const [x, y] = [video.offsetLeft + left, video.offsetTop + top];
  Object.assign(overlay.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  return { left: x, top: y, width, height };
}

/**
 * Draw the faces of a frame.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLVideoElement} video
 * @param {{ width: number, height: number, boxes: { box: number[], label: string, kind: keyof COLOURS }[] }} frame
 */
export function drawFaces(canvas, video, { width, height, boxes }) {
  const shown = layOver(canvas, video);
  const ratio = window.devicePixelRatio;
  Object.assign(canvas, { width: Math.round(shown.width * ratio), height: Math.round(shown.height * ratio) });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  for (const { box, label, kind } of boxes) {
    const [x1, y1, x2, y2] = box.map((each, index) => (each * (index % 2 ? shown.height / height : shown.width / width)));
    context.strokeStyle = COLOURS[kind];
    context.lineWidth = 2.5;
    context.beginPath();
    context.roundRect(x1, y1, x2 - x1, y2 - y1, 8);
    context.stroke();
    if (label) drawLabel(context, label, x1, y1);
  }
}

function drawLabel(context, label, x, y) {
  context.font = FONT;
  const width = context.measureText(label).width + 16;
  const top = y > 30 ? y - 30 : y + 4;
  context.fillStyle = "rgb(11 16 14 / 82%)";
  context.beginPath();
  context.roundRect(x, top, width, 24, 6);
  context.fill();
  context.fillStyle = "#fff";
  context.textBaseline = "middle";
  context.fillText(label, x + 8, top + 12.5);
}
