// One request to the hub's API: the envelope opened, failures made into errors.
import { setServerTime } from "./clock";
import { ApiError, UnreachableError } from "./errors";

const TIMEOUT_MS = 20_000;

interface Envelope {
  type: string;
  error: string;
  metadata: unknown;
}

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Asks, and returns the answer's metadata, of the type that the API's description gives it. */
export async function request<T>(
  method: Method,
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const init: RequestInit = {
    method,
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    headers: body === undefined ? {} : { "content-type": "application/json" },
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(path, init).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new UnreachableError(
      timeout.aborted ? "Cluster Manager did not answer in time." : "Cluster Manager cannot be reached.",
    );
  });
  setServerTime(response.headers.get("date"));
  const envelope = await read(response);
  if (response.ok) return envelope.metadata as T;
  throw new ApiError(response.status, envelope.error, seconds(response.headers.get("retry-after")));
}

/** A path below the API's base, each part encoded: names hold anything. */
export function path(...parts: string[]): string {
  return ["/1.0", ...parts.map(encodeURIComponent)].join("/");
}

async function read(response: Response): Promise<Envelope> {
  const parsed = (await response.json().catch(() => null)) as unknown;
  if (isEnvelope(parsed)) return parsed;
  // A proxy's error page, or half an answer.
  const what =
    response.status >= 500 ? "Cluster Manager does not answer" : "What answered is not Cluster Manager";
  throw new UnreachableError(`${what} (HTTP status ${response.status}).`);
}

function isEnvelope(value: unknown): value is Envelope {
  return typeof value === "object" && value !== null && "metadata" in value && "error" in value;
}

function seconds(header: string | null): number | null {
  const number = Number.parseInt(header ?? "", 10);
  return Number.isFinite(number) && number >= 0 ? number : null;
}
