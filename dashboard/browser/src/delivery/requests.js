/** Requests over HTTP whose failures are DeliveryErrors. */
import { DeliveryError } from "./errors.js";

const TIMEOUT_MS = 30_000;
const TRY_LATER = new Set([408, 425, 429]);
export const RETRIED = "Nothing is lost: it is sent again by itself.";

/**
 * The answer to a request, whatever its status. Raises a retryable DeliveryError where there is none.
 * @param {typeof fetch} fetcher
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function answer(fetcher, url, options = {}) {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await fetcher(url, { cache: "no-store", redirect: "error", signal, ...options });
  } catch {
    throw new DeliveryError(`${new URL(url).host} cannot be reached`, { fix: RETRIED, retryable: true });
  }
}

/** Whether the same request may succeed later. */
export function mayRetry(status) {
  return status >= 500 || TRY_LATER.has(status);
}

/** The JSON object of an answer; a proxy on the way may answer anything. Raises a retryable DeliveryError. */
export async function objectOf(response) {
  const content = await response.json().catch(() => null);
  if (content === null || typeof content !== "object" || Array.isArray(content)) {
    throw new DeliveryError(`${new URL(response.url).host} answered ${response.status} without JSON`, {
      fix: "If this Wi-Fi asks for a sign-in, open any page and sign in.",
      retryable: true,
      status: response.status,
    });
  }
  return content;
}
