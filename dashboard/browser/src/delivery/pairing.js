/** What pairs a page with a camera: the link of the dashboard, or the key file of a camera machine in Firestore. */
import { DeliveryError } from "./errors.js";

const PREFIX = "#pair=";
const DEVICE = /^([\w-]{1,100})\.([\w-]{16,200})$/;
const KEY_TYPE = "footfall_device";
const KEY_FIELDS = ["project", "uid", "site_id", "camera_id", "api_key", "refresh_token"];
const EMULATORS = ["firestore", "sign_in"];

/**
 * @typedef {{ kind: "dashboard", device_id: string, secret: string, address: string }} DashboardKey
 *   address: base URL of the page, below which the dashboard answers.
 * @typedef {{ kind: "firestore", project: string, uid: string, site_id: string, camera_id: string, api_key: string,
 *             refresh_token: string, emulators?: { firestore?: string, sign_in?: string } }} FirestoreKey
 */

/** The key in the fragment of an address, null where it has none. Raises DeliveryError on one that is damaged. */
export function keyOfFragment(fragment, page) {
  return fragment.startsWith(PREFIX) ? keyOfText(fragment.slice(PREFIX.length), page) : null;
}

/**
 * The key in what somebody pasted: a link, the part of it after `#pair=`, or the content of a key file.
 * @param {string} page address of this page
 * @returns {DashboardKey | FirestoreKey}
 */
export function keyOfText(text, page) {
  const given = text.trim();
  if (given.startsWith("{")) return firestoreKey(given);
  if (/^https?:/i.test(given)) return keyOfLink(given, page);
  const found = DEVICE.exec(given.startsWith(PREFIX) ? given.slice(PREFIX.length) : given);
  if (found) return { kind: "dashboard", device_id: found[1], secret: found[2], address: base(page) };
  if (/^[\w-]{100,}=*$/.test(given)) return firestoreKey(decoded(given));
  throw new DeliveryError("This is no link or key of a camera", {
    fix: "Copy the whole link from the dashboard's page Cameras, with everything after #.",
  });
}

function keyOfLink(given, page) {
  const link = URL.canParse(given) ? new URL(given) : null;
  if (!link?.hash.startsWith(PREFIX)) {
    throw new DeliveryError("The link has no key in it", {
      fix: "Copy the whole link from the dashboard's page Cameras: it ends with #pair= and the key.",
    });
  }
  const key = keyOfText(unescaped(link.hash.slice(PREFIX.length)), page);
  if (key.kind === "dashboard" && base(link.href) !== base(page)) {
    throw new DeliveryError(`The link is for ${link.host}`, { fix: "Open the link itself, instead of pasting it here." });
  }
  return key;
}

function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DeliveryError("The key in the link is damaged", { fix: "Copy the whole link from the dashboard's page Cameras." });
  }
}

function firestoreKey(text) {
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new DeliveryError("The key is not whole", { fix: "Choose the key file again, or paste all of it." });
  }
  if (content?.type !== KEY_TYPE) {
    throw new DeliveryError("This file is no key of a camera machine", {
      fix: "Choose the file that 'footfall cloud register-device' wrote.",
    });
  }
  const wrong = KEY_FIELDS.find((name) => typeof content[name] !== "string" || !content[name].trim());
  if (wrong) {
    throw new DeliveryError(`The key has no ${wrong}`, { fix: "Make a new key with 'footfall cloud register-device'." });
  }
  const key = { kind: "firestore", ...Object.fromEntries(KEY_FIELDS.map((name) => [name, content[name]])) };
  const emulators = EMULATORS.filter((name) => typeof content.emulators?.[name] === "string");
  if (!emulators.length) return key;
  return { ...key, emulators: Object.fromEntries(emulators.map((name) => [name, content.emulators[name]])) };
}

function decoded(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}

function base(address) {
  return new URL("./", address.split("#")[0]).href;
}
