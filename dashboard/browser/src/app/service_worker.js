/**
 * Keeps the files of one build, so that the page starts without network; and the networks as they were loaded last.
 * Answers of the dashboard are never kept.
 */

const FILES_CACHE = `footfall-camera-${__VERSION__}`;
const NETWORKS_CACHE = "footfall-networks";
const scope = new URL(self.registration.scope);
const files = new Set(["", ...__FILES__].map((name) => new URL(name, scope).href));

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES_CACHE).then((cache) => {
    return cache.addAll([...files].map((url) => new Request(url, { cache: "no-cache" })));
  }));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldBuilds().then(() => self.clients.claim()));
});

self.addEventListener("message", ({ data }) => {
  if (data === "activate") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const url = event.request.url.split(/[?#]/)[0];
  if (event.request.method !== "GET") return;
  if (files.has(url)) event.respondWith(ofBuild(url, event.request));
  else if (url.startsWith(new URL("networks/", scope).href)) event.respondWith(ofNetwork(url, event.request));
});

async function ofBuild(url, request) {
  const cache = await caches.open(FILES_CACHE);
  return (await cache.match(url)) ?? fetch(request);
}

/** The network's file of today, else that of the last time. */
async function ofNetwork(url, request) {
  const cache = await caches.open(NETWORKS_CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(url, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(url);
    if (kept) return kept;
    throw error;
  }
}

async function forgetOldBuilds() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("footfall-camera-") && name !== FILES_CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}
