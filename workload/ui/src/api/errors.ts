// The errors of requests, distinguished by what the reader can do about them.

/** The hub refused the request. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    /** Seconds until the request may be retried, if the hub says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** No response, or one that is not the hub's, for example from a proxy. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

/** Whether the same request may succeed later. */
export function isOutage(error: unknown): boolean {
  return (
    error instanceof UnreachableError || (error instanceof ApiError && [502, 503, 504].includes(error.status))
  );
}

/** A sentence that is shown to people. */
export function explain(error: unknown): string {
  if (error instanceof UnreachableError) return error.message;
  if (!(error instanceof ApiError)) return "An unexpected error occurred.";
  switch (error.status) {
    case 401:
      return "Your session has ended.";
    case 403:
      return "Your role does not allow this.";
    case 429:
      return error.retryAfter === null
        ? "Too many requests. Try again in a moment."
        : `Too many requests. Try again in ${error.retryAfter} s.`;
    default:
      return error.message;
  }
}
