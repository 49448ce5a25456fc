// Requests to the hub's API: unwraps the envelope and turns failures into errors.
import { setServerTime } from "./clock";
import { ApiError, UnreachableError } from "./errors";

const TIMEOUT_MS = 20_000;

interface Envelope {
  type: string;
  error: string;
  metadata: unknown;
}

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Sends a request and returns the metadata of the response. The caller names its type, as in the API description. */
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
      timeout.aborted ? "Cluster Manager did not respond in time." : "Cluster Manager cannot be reached.",
    );
  });
  setServerTime(response.headers.get("date"));
  const envelope = await read(response);
  if (response.ok) return envelope.metadata as T;
  throw new ApiError(response.status, envelope.error, seconds(response.headers.get("retry-after")));
}

/** A path below the API's base. Each part is encoded, because names can contain any character. */
export function path(...parts: string[]): string {
  return ["/1.0", ...parts.map(encodeURIComponent)].join("/");
}

async function read(response: Response): Promise<Envelope> {
  const parsed = (await response.json().catch(() => null)) as unknown;
  if (isEnvelope(parsed)) return parsed;
  // The error page of a proxy, or an incomplete response.
  const problem =
    response.status >= 500 ? "Cluster Manager is not responding" : "The response is not from Cluster Manager";
  throw new UnreachableError(`${problem} (HTTP status ${response.status}).`);
}

function isEnvelope(value: unknown): value is Envelope {
  return typeof value === "object" && value !== null && "metadata" in value && "error" in value;
}

function seconds(header: string | null): number | null {
  const number = Number.parseInt(header ?? "", 10);
  return Number.isFinite(number) && number >= 0 ? number : null;
}
