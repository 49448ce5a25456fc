// What can go wrong with a request, told apart by what the person can do about it.

/** The hub answered, and said no. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    message: string,
    /** In how many seconds to come again, where the hub says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The hub, or what stands before it, did not answer as the hub does. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

/** Whether the same request may well be answered later, whatever it asked for. */
export function isOutage(error: unknown): boolean {
  return (
    error instanceof UnreachableError || (error instanceof ApiError && [502, 503, 504].includes(error.status))
  );
}

/** A sentence for people. */
export function explain(error: unknown): string {
  if (error instanceof UnreachableError) return error.message;
  if (!(error instanceof ApiError)) return "Something unexpected happened.";
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
