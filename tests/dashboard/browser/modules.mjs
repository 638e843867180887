// Runs the browser camera's delivery in Node. A line of standard input is one call, a line of output its result.
import { createInterface } from "node:readline";
import { DeliveryError } from "../../../dashboard/browser/src/delivery/errors.js";
import { FirestoreTransport } from "../../../dashboard/browser/src/delivery/firestore.js";
import { opened } from "../../../dashboard/browser/src/delivery/gallery.js";
import { keyOfFragment, keyOfText } from "../../../dashboard/browser/src/delivery/pairing.js";
import { settingsOf } from "../../../dashboard/browser/src/delivery/settings.js";

const calls = {
  config: (transport) => transport.config(),
  gallery: async (transport, { version }) => shown(await transport.gallery(version)),
  send: (transport, { body }) => transport.send(body),
  pasted: (_, { text, page }) => keyOfText(text, page),
  fragment: (_, { text, page }) => keyOfFragment(text, page),
  opened: async (_, { sealed, device }) => {
    const bytes = Uint8Array.from(Buffer.from(sealed, "base64")).buffer;
    return shown({ gallery: await opened(bytes, device) });
  },
  settings: (_, { shared, embedder, people }) => settingsOf(shared, embedder, people),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, key, owners = {}, now, ...given } = JSON.parse(line);
  const options = { personOf: async (id) => owners[id] ?? "", ...(now && { now: () => now }) };
  let answer;
  try {
    answer = { result: await calls[call](key && new FirestoreTransport(key, options), given) };
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    answer = { error: error.problem, fix: error.fix, retryable: error.retryable, revoked: error.revoked };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function shown(found) {
  if (found === null) return null;
  const people = found.gallery.people.map((each) => ({ ...each, vectors: each.vectors.map((vector) => [...vector]) }));
  return { ...found, gallery: { ...found.gallery, people } };
}
