/* A camera of the browser, and pictures as the server takes them. */
const FRAME_SIDE = 960;
const PICTURE_SIDE = 1600;
const MAX_PICTURE_BYTES = 5_000_000;

export class Camera {
  #video;
  #stream = null;

  constructor(video) {
    this.#video = video;
  }

  /* Whether the picture shows what the person would see in a mirror. */
  get mirrored() {
    return this.#track?.getSettings().facingMode !== "environment";
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  /* device: id of a camera; without it the one that looks at the person. ended: called when it is unplugged. */
  async open(device, ended) {
    this.close();
    const which = device ? { deviceId: { exact: device } } : { facingMode: "user" };
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { ...which, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    this.#stream = stream;
    this.#track.addEventListener("ended", ended);
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /* The ids of all cameras, and which of them is open. */
  async devices() {
    const found = await navigator.mediaDevices.enumerateDevices();
    const ids = found.filter((each) => each.kind === "videoinput").map((each) => each.deviceId);
    return { ids, open: ids.indexOf(this.#track?.getSettings().deviceId) };
  }

  /* What the camera sees now, as a canvas of at most 960 px. Null before the first picture. */
  frame() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    return width && height ? drawn(this.#video, width, height, FRAME_SIDE) : null;
  }
}

/* A chosen file as a canvas and JPEG, upright and scaled down; as it is where the browser cannot read it. */
export async function pictureOf(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    if (file.size > MAX_PICTURE_BYTES) throw new Error("it is too large, and the browser cannot read it");
    return { canvas: null, blob: file };
  }
  try {
    const canvas = drawn(bitmap, bitmap.width, bitmap.height, PICTURE_SIDE);
    return { canvas, blob: await encoded(canvas, 0.92) };
  } finally {
    bitmap.close();
  }
}

function drawn(source, width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/* The picture on a canvas, as JPEG. */
export function encoded(canvas, quality) {
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
}

/* Why there is no camera, for people. error: of `open`, or none where the browser offers no camera at all. */
export function obstacle(error) {
  if (!window.isSecureContext) {
    return {
      title: "The camera needs https",
      text: "Browsers let a page use the camera only over https, or on the machine of the dashboard itself. "
        + "Start the dashboard with https, or upload pictures:",
      command: "footfall dashboard --tls self-signed",
    };
  }
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return {
        title: "The camera is not allowed",
        text: "Allow this page to use the camera in the settings of the browser, beside the address, "
          + "and try again. Or upload pictures.",
      };
    case "NotReadableError":
    case "AbortError":
      return { title: "The camera is in use", text: "Close the program that uses it and try again. Or upload pictures." };
    default:
      return { title: "No camera was found", text: "Connect a camera and try again, or upload pictures." };
  }
}
