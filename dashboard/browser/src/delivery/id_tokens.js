/**
 * ID tokens of an hour, renewed by the refresh token of a device key.
 * Source: https://firebase.google.com/docs/reference/rest/auth, "Exchange a refresh token for an ID token".
 */
import { DeliveryError } from "./errors.js";
import { answer, mayRetry, objectOf, RETRIED } from "./requests.js";

const GOOGLE = "https://securetoken.googleapis.com";
const REVOKED = ["USER_DISABLED", "USER_NOT_FOUND", "TOKEN_EXPIRED", "INVALID_REFRESH_TOKEN"];
const RENEWED_BEFORE_MS = 120_000;
const REGISTER = "Register this camera again with 'footfall cloud register-device'.";

export class IdTokens {
  /** @param {import("./pairing.js").FirestoreKey} key */
  constructor(key, fetcher, { monotonic = () => performance.now() } = {}) {
    this._key = key;
    this._fetch = fetcher;
    this._monotonic = monotonic;
    this._untilMs = -Infinity;
    this._token = "";
  }

  /** A token that is valid for some minutes. Raises DeliveryError. */
  async token() {
    if (this._monotonic() >= this._untilMs) await this._renew();
    return this._token;
  }

  /** The token was refused: get another one next time. */
  drop() {
    this._untilMs = -Infinity;
  }

  async _renew() {
    const askedMs = this._monotonic();
    const { emulators, api_key, refresh_token } = this._key;
    const base = emulators?.sign_in ? `${emulators.sign_in}/securetoken.googleapis.com` : GOOGLE;
    const response = await answer(this._fetch, `${base}/v1/token?key=${encodeURIComponent(api_key)}`, {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token }).toString(),
    });
    const content = await objectOf(response);
    if (!response.ok) throw refusal(response.status, String(content.error?.message ?? ""));
    const lifetimeMs = 1000 * Number(content.expires_in);
    if (typeof content.id_token !== "string" || !(lifetimeMs > 0 && lifetimeMs <= 86_400_000)) {
      throw new DeliveryError("Google's sign-in answered without a token", { fix: RETRIED, retryable: true });
    }
    this._token = content.id_token;
    this._untilMs = askedMs + Math.max(0, lifetimeMs - RENEWED_BEFORE_MS);
  }
}

function refusal(status, reason) {
  if (mayRetry(status)) {
    return new DeliveryError(`Google's sign-in answered ${status}`, { fix: RETRIED, retryable: true, status });
  }
  const revoked = REVOKED.some((each) => reason.includes(each));
  const problem = revoked ? "The key of this camera was revoked" : `Google does not accept the key (${reason || status})`;
  return new DeliveryError(problem, { fix: REGISTER, revoked, status });
}
