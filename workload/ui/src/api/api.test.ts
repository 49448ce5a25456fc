import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backoff } from "./backoff";
import { followChanges, type Follower } from "./changes";
import { path, request } from "./client";
import { serverNow, setServerTime } from "./clock";
import { ApiError, explain, isOutage, UnreachableError } from "./errors";
import { Reachability } from "./reachability";
import { Throttle } from "./throttle";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  setServerTime(new Date().toUTCString());
});

function respondWith(status: number, body: unknown, headers: Record<string, string> = {}): void {
  const response = new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  vi.stubGlobal("fetch", () => Promise.resolve(response));
}

function errorEnvelope(status: number, error: string): object {
  return {
    type: "error",
    status: "",
    status_code: 0,
    operation: "",
    error_code: status,
    error,
    metadata: null,
  };
}

test("a request returns the metadata of the response", async () => {
  respondWith(200, { type: "sync", error: "", metadata: { name: "a" } });
  await expect(request("GET", "/1.0")).resolves.toEqual({ name: "a" });
});

test("an error explains itself and says when to retry", async () => {
  respondWith(429, errorEnvelope(429, "Too Many Requests"), { "retry-after": "7" });
  const error = await request("GET", "/1.0").catch((caught: unknown) => caught);
  expect(error).toEqual(new ApiError(429, "Too Many Requests", 7));
  expect(explain(error)).toBe("Too many requests. Try again in 7 s.");
});

test("a response without the hub's envelope is an outage, whatever its status", async () => {
  for (const [status, body] of [
    [200, "<html>"],
    [502, "Bad Gateway"],
  ] as const) {
    respondWith(status, body);
    const error = await request("GET", "/1.0").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(UnreachableError);
  }
  expect(isOutage(new ApiError(503, "the database is unavailable"))).toBe(true);
  expect(isOutage(new ApiError(500, "a bug"))).toBe(false);
  expect(isOutage(new ApiError(401, "Unauthorized"))).toBe(false);
});

test("a network failure is reported as an unreachable hub", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(request("GET", "/1.0")).rejects.toThrow("Cluster Manager cannot be reached.");
});

test("names are encoded in paths", () => {
  expect(path("remote-cluster", "a/b?c#d%")).toBe("/1.0/remote-cluster/a%2Fb%3Fc%23d%25");
});

test("the hub's clock is used unless it differs by a second or less", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  setServerTime("Thu, 01 Jan 2026 00:10:00 GMT", now);
  expect(serverNow(now)).toBe(now + 600_000);
  setServerTime("Thu, 01 Jan 2026 00:00:01 GMT", now);
  expect(serverNow(now)).toBe(now);
  setServerTime(null, now);
  expect(serverNow(now)).toBe(now);
});

test("the delay doubles up to 30 s and is randomised", () => {
  expect([1, 2, 3, 6, 50].map((failures) => backoff(failures, () => 0))).toEqual([
    1_000, 2_000, 4_000, 30_000, 30_000,
  ]);
  expect(backoff(1, () => 0.999)).toBeGreaterThanOrEqual(800);
});

test("several failed requests are one outage, which is retried until it ends", () => {
  const retry = vi.fn();
  const reachability = new Reachability(retry);
  reachability.failed("away");
  reachability.failed("away");
  expect(reachability.current()?.failures).toBe(1);
  vi.advanceTimersByTime(1_000);
  expect(retry).toHaveBeenCalledTimes(1);
  reachability.failed("still away");
  expect(reachability.current()).toMatchObject({ failures: 2, reason: "still away" });
  reachability.succeeded();
  expect(reachability.current()).toBeNull();
  vi.advanceTimersByTime(60_000);
  expect(retry).toHaveBeenCalledTimes(1);
});

test("a throttle makes the first call at once and combines the rest", () => {
  const call = vi.fn();
  const throttle = new Throttle(2_000, call);
  throttle.trigger();
  vi.advanceTimersByTime(0);
  expect(call).toHaveBeenCalledTimes(1);
  throttle.trigger();
  throttle.trigger();
  vi.advanceTimersByTime(1_999);
  expect(call).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(call).toHaveBeenCalledTimes(2);
});

/** The part of `EventSource` that is used; tests send its events. */
class FakeSource extends EventTarget {
  static CLOSED = 2;
  readyState = 1;
  onerror: (() => void) | null = null;
  close = vi.fn();

  send(type: string, data: unknown = {}): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }
}

function following(): {
  sources: FakeSource[];
  callbacks: Record<keyof Follower, ReturnType<typeof vi.fn>>;
  stop: () => void;
} {
  vi.stubGlobal("EventSource", FakeSource);
  const sources: FakeSource[] = [];
  const callbacks = { onLive: vi.fn(), onChange: vi.fn(), onReported: vi.fn(), onRefused: vi.fn() };
  const stop = followChanges(callbacks, () => {
    const source = new FakeSource();
    sources.push(source);
    return source as unknown as EventSource;
  });
  return { sources, callbacks, stop };
}

test("the stream reports changes and heartbeats", () => {
  const { sources, callbacks } = following();
  sources[0]?.send("connected");
  expect(callbacks.onLive).toHaveBeenLastCalledWith(true);
  expect(callbacks.onChange).toHaveBeenCalledTimes(1);
  sources[0]?.send("change", { kind: "joined", uid: "1" });
  sources[0]?.send("resync");
  expect(callbacks.onChange).toHaveBeenCalledTimes(3);
  sources[0]?.send("reported", { uids: ["1", 2] });
  sources[0]?.send("reported", { uids: null });
  expect(callbacks.onReported.mock.calls).toEqual([[["1"]], [null]]);
});

test("a broken stream is reopened with growing delays, and a refusal is reported", () => {
  const { sources, callbacks, stop } = following();
  sources[0]?.onerror?.();
  expect(callbacks.onLive).toHaveBeenLastCalledWith(false);
  expect(callbacks.onRefused).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(sources).toHaveLength(2);
  const second = sources[1];
  if (second === undefined) throw new Error("the stream was not reopened");
  second.readyState = FakeSource.CLOSED;
  second.onerror?.();
  expect(callbacks.onRefused).toHaveBeenCalledTimes(1);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(2);
});
