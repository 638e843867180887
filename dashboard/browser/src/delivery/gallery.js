/** The people whom a camera recognises: sealed by the dashboard for one device, opened here. */
import { DeliveryError } from "./errors.js";

const NONCE_BYTES = 12;
const INFO = "footfall gallery";

/**
 * The people, as identity/match.js reads them.
 * @typedef {{ version: string, embedder: string, people: import("../identity/match.js").Person[] }} Gallery
 */

/**
 * The gallery in what the dashboard sent: a nonce, then AES-256-GCM with the device's id as additional data.
 * Raises DeliveryError where it is damaged, or sealed for another key.
 * @param {ArrayBuffer} sealed
 * @param {{ device_id: string, secret: string }} key
 * @returns {Promise<Gallery>}
 */
export async function opened(sealed, key) {
  const encode = (text) => new TextEncoder().encode(text);
  try {
    const secret = await crypto.subtle.importKey("raw", encode(key.secret), "HKDF", false, ["deriveKey"]);
    const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encode(INFO) };
    const aes = await crypto.subtle.deriveKey(derivation, secret, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    const cipher = { name: "AES-GCM", iv: sealed.slice(0, NONCE_BYTES), additionalData: encode(key.device_id) };
    const plain = await crypto.subtle.decrypt(cipher, aes, sealed.slice(NONCE_BYTES));
    return galleryOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plain)));
  } catch {
    throw new DeliveryError("The list of people cannot be read", {
      fix: "Check that the page is opened from the dashboard itself; else pair this camera again.",
      retryable: true,
    });
  }
}

/** The gallery of its JSON. */
export function galleryOf({ version, embedder, people }) {
  const known = people.map(({ vectors, negatives, ...person }) => {
    return { ...person, vectors: vectors.map(vectorOf), negatives: negatives.map(vectorOf) };
  });
  return { version: String(version), embedder, people: known };
}

/** Nobody, until the people of the site can be read. */
export function unknownGallery(embedder) {
  return { version: "", embedder, people: [] };
}

/** Whether these are the people of the site. @param {Gallery} gallery */
export function isKnown(gallery) {
  return gallery.version !== "";
}

/** A vector of base64 of little-endian float32. */
export function vectorOf(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  if (!bytes.length || bytes.length % 4) throw new RangeError(`expected bytes of float32, got ${bytes.length}`);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => view.getFloat32(4 * index, true));
}
