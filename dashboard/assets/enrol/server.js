/* The requests of the page of enrolment; clock.js adds the token of the page to each. */
const BASE = new URL("../../enrol/", import.meta.url);

/* What the server refused. status: of HTTP, 0 without an answer. retry: whether it may succeed later. */
export class Refused extends Error {
  constructor(status, { problem, fix = "", retry = false }) {
    super([problem, fix].filter(Boolean).join(" "));
    this.status = status;
    this.retry = retry;
  }
}

async function ask(method, path, options = {}) {
  let response;
  try {
    response = await fetch(new URL(path, BASE), { method, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { problem: "The dashboard does not answer.", retry: true });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refused(response.status, { problem: "The dashboard refused this.", ...answer });
}

export function readiness(signal) {
  return ask("GET", "recognition", { signal });
}

/* The words of the hints, and the settings by which a worker of this page finds them. */
export function hints() {
  return ask("GET", "hints");
}

export async function begin(person) {
  const options = { headers: { "Content-Type": "application/json" }, body: JSON.stringify({ person }) };
  return (await ask("POST", "begin", options)).enrolment;
}

export function frame(enrolment, blob, signal) {
  return ask("POST", `${enrolment}/frames`, { body: blob, signal });
}

export function picture(enrolment, blob, name, signal) {
  return ask("POST", `${enrolment}/pictures?name=${encodeURIComponent(name)}`, { body: blob, signal });
}

export function remove(enrolment, number) {
  return ask("DELETE", `${enrolment}/shots/${number}`);
}

/* Sent also while the page is left. */
export function end(enrolment) {
  return ask("DELETE", enrolment, { keepalive: true });
}
