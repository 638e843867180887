/** Why a browser gives no camera, and what to do about it, in words. */

/** A camera that cannot be opened: what is wrong, and the fix. retryable: it may come back by itself. */
export class CameraError extends Error {
  constructor(problem, { fix, retryable = false }) {
    super(problem);
    this.problem = problem;
    this.fix = fix;
    this.retryable = retryable;
  }
}

/**
 * The error for a page to which browsers give no camera at all; null where they do.
 * @param {Pick<Window, "isSecureContext" | "navigator" | "origin">} page
 */
export function withoutCameras({ isSecureContext, navigator, origin }) {
  if (!isSecureContext) {
    return new CameraError("Browsers give a page no camera without https", {
      fix: `This page came from ${origin}. Open the dashboard by https: 'footfall dashboard --tls self-signed' serves it.`,
    });
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    const fix = "Use a current Chrome, Edge, Firefox or Safari.";
    return new CameraError("This browser gives pages no camera", { fix });
  }
  return null;
}

/** The error behind what getUserMedia rejected. @param {DOMException} error @param {string} agent navigator.userAgent */
export function cameraError(error, agent) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return new CameraError("The camera is not allowed", { fix: allowing(agent) });
    case "NotReadableError":
    case "AbortError":
      return new CameraError("The camera is in use", { fix: "Close other apps and pages that use it.", retryable: true });
    case "NotFoundError":
    case "OverconstrainedError":
      return new CameraError("No camera was found", { fix: "Connect a camera, or use a device with one.", retryable: true });
    default:
      return new CameraError(`The camera failed (${error.name})`, { fix: "Reload the page.", retryable: true });
  }
}

/** How to allow the camera in the browser of this name. */
export function allowing(agent) {
  if (/iPhone|iPad/.test(agent)) {
    return "Tap the button left of the address, then Website Settings, and set Camera to Allow; or in Settings, Apps, Safari.";
  }
  if (/Android.*Firefox/.test(agent)) return "Tap the lock left of the address, and clear the blocked camera.";
  if (/Firefox/.test(agent)) return "Click the crossed-out camera left of the address to remove the block, then reload.";
  if (/Android/.test(agent)) return "Tap the icon left of the address, then Permissions, and allow Camera.";
  if (/Safari/.test(agent) && !/Chrome|Chromium/.test(agent)) {
    return "In the menu Safari choose Settings for this Website, and set Camera to Allow.";
  }
  return "Click the icon left of the address, allow Camera, and reload the page.";
}
