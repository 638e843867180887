// Opens a sealed gallery as a browser does. stdin: {"sealed": base64, "device_id", "secret"}; stdout: the JSON in it.
import { webcrypto } from "node:crypto";

const text = await new Response(process.stdin).text();
const { sealed, device_id, secret } = JSON.parse(text);
const bytes = Buffer.from(sealed, "base64");
const encode = (each) => new TextEncoder().encode(each);
const { subtle } = webcrypto;
const base = await subtle.importKey("raw", encode(secret), "HKDF", false, ["deriveKey"]);
const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encode("footfall gallery") };
const key = await subtle.deriveKey(derivation, base, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
const cipher = { name: "AES-GCM", iv: bytes.subarray(0, 12), additionalData: encode(device_id) };
process.stdout.write(new TextDecoder().decode(await subtle.decrypt(cipher, key, bytes.subarray(12))));
