/** The service worker of the page: offline starts, and new builds. */

const CONTROLLED_WITHIN_MS = 5_000;
const TAKE_OVER_EVERY_MS = 250;
const TAKE_OVER_TRIES = 12;

/**
 * Register it. A new build that was loaded meanwhile takes over now, at a start: the page is then loaded again. Where
 * that takes long the page starts, and is loaded again as soon as its files are replaced: its worker's would be missing.
 * Resolves to whether the browser keeps the page for a start without network: none does with a certificate it does not trust.
 */
export async function useNewestBuild() {
  const registration = await navigator.serviceWorker?.register("service_worker.js").catch(() => null);
  if (!registration) return false;
  registration.update().catch(() => {}); // no network
  if (registration.waiting && navigator.serviceWorker.controller) await takeOver(registration);
  return true;
}

async function takeOver(registration) {
  navigator.serviceWorker.addEventListener("controllerchange", () => window.location.reload());
  for (let tries = 0; tries < TAKE_OVER_TRIES; tries++) {
    registration.waiting?.postMessage("activate"); // again: Chromium forgets it while the old one is still busy
    await new Promise((resolve) => setTimeout(resolve, TAKE_OVER_EVERY_MS));
  }
}

/** Wait until files that are loaded from now on are kept by the service worker, which is registered; not for long. */
export async function untilFilesAreKept() {
  if (navigator.serviceWorker.controller) return;
  const controlled = new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
  });
  await Promise.race([controlled, new Promise((resolve) => setTimeout(resolve, CONTROLLED_WITHIN_MS))]);
}
