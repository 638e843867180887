/** A failure of delivery: what is wrong, and the fix. */
export class DeliveryError extends Error {
  /**
   * @param {string} problem
   * @param {{ fix: string, retryable?: boolean, revoked?: boolean, status?: number }} about
   *   retryable: a retry may succeed. revoked: the key is not accepted any more. status: of the HTTP answer, 0 without one.
   */
  constructor(problem, { fix, retryable = false, revoked = false, status = 0 }) {
    super(problem);
    this.name = "DeliveryError";
    this.problem = problem;
    this.fix = fix;
    this.retryable = retryable;
    this.revoked = revoked;
    this.status = status;
  }
}

/** An error as a failure of delivery; any other is one of the browser itself, such as a full disk. */
export function failureOf(error) {
  if (error instanceof DeliveryError) return error;
  console.error(error);
  return new DeliveryError(`This browser failed: ${error.message}`, {
    fix: "Free some space on the device, then reload the page.",
  });
}
