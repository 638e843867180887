/** Paths of documents in Firestore, as tracker/cloud/paths.py makes them. */
import { contentId } from "../presence/events.js";

const RESERVED = /^__.*__$/s;
const LONGEST = 1000;

/** The path of a document of a site, or of a collection of it. */
export function pathOf(siteId, ...names) {
  return ["sites", documentId(siteId), ...names.map((name, index) => (index % 2 ? documentId(name) : name))].join("/");
}

/** A path as part of an address. */
export function inAddress(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Heartbeats are only added, never changed. at: time text. */
export function heartbeatId(cameraId, at) {
  return contentId("heartbeat", cameraId, at);
}

/** The record's id of a document's id. */
export function recordId(id) {
  return id.replace(/%(25|2F|2E|5F)/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
}

function documentId(id) {
  let quoted = id.replaceAll("%", "%25").replaceAll("/", "%2F");
  if (quoted === "." || quoted === ".." || RESERVED.test(quoted)) {
    quoted = `%${quoted.charCodeAt(0).toString(16).toUpperCase()}${quoted.slice(1)}`;
  }
  return new TextEncoder().encode(quoted).length > LONGEST ? contentId("long", id) : quoted;
}
