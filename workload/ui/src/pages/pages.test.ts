import { expect, test } from "vitest";
import type { MetricsSink } from "../api/types";
import { safeNext, signInUrl } from "../app/session";
import { healthWord } from "../components/Health";
import { adviceFor } from "./cluster/advice";
import { fullestFirst, sumOf } from "./cluster/pools";
import { actionWords, actorWords, differences } from "./events/words";
import { browserWords } from "./sessions/browser";
import { grouped, isMasked } from "./settings/groups";
import { describeSink, mergeReports } from "./settings/sinks";

test("the fullest pool comes first, and duplicates count once", () => {
  const pools = [
    { name: "local", member: "m1", total: 100, usage: 10 },
    { name: "local", member: "m2", total: 100, usage: 81 },
    { name: "remote", member: "", total: 1000, usage: 500 },
    { name: "remote", member: "", total: 1000, usage: 500 },
    { name: "empty", member: "", total: 0, usage: 0 },
  ];
  expect(fullestFirst(pools).map((pool) => pool.usage)).toEqual([81, 500, 500, 10, 0]);
  expect(sumOf(pools)).toEqual({ usage: 591, total: 1200 });
});

test("an event shows the changed fields", () => {
  expect(differences({ before: { a: 1, b: "x" }, after: { a: 2, b: "x", c: ["y"] } })).toEqual([
    { field: "a", before: "1", after: "2" },
    { field: "c", before: null, after: '["y"]' },
  ]);
  expect(differences({ before: null, after: null })).toEqual([]);
  expect(actionWords("something.new")).toBe("something.new");
});

test("words that a newer hub adds have a fallback", () => {
  expect([actorWords("person"), actorWords("robot")]).toEqual(["", "robot"]);
  expect(healthWord("sleepy")).toBe("sleepy");
  expect(adviceFor("toString")).toBe("Check the cluster itself.");
});

test("every setting is shown once, including those of a newer hub", () => {
  const setting = { value: "v", title: "t", description: "d" };
  const groups = grouped({ oidc_issuer: setting, version: setting, brand_new: setting });
  expect(groups.map((group) => [group.title, group.entries.map(([key]) => key)])).toEqual([
    ["General", ["version"]],
    ["Sign-in", ["oidc_issuer"]],
    ["Other", ["brand_new"]],
  ]);
  expect(isMasked("postgres://u:********@h/d")).toBe(true);
  expect(isMasked("plain")).toBe(false);
});

test("a sink has the worst state that any unit reports", () => {
  const unit: MetricsSink = {
    sink: "mimir.example.com",
    unit: "a",
    state: "taking",
    oldest_seconds: 0,
    waiting_bytes: 0,
    samples_sent: 5,
    samples_dropped: 0,
    seen_at: "2026-01-01T00:00:00Z",
  };
  const failing = { state: "failing" as const, reason: "refused", oldest_seconds: 200, waiting_bytes: 2048 };
  const [sink, ...others] = mergeReports([unit, { ...unit, ...failing, unit: "b", samples_dropped: 1 }]);
  expect(others).toEqual([]);
  expect(sink && describeSink(sink)).toBe("Failing: refused; 2.0 KiB waiting for 3 min 20 s, 1 sample lost");
  expect(describeSink(unit)).toBe("Accepting samples");
  expect(describeSink({ ...unit, state: "idle" })).toBe("Nothing sent yet");
});

test("sign-in returns to pages of this UI only", () => {
  expect(safeNext("/ui/cluster/a%2Fb?x=1")).toBe("/ui/cluster/a%2Fb?x=1");
  for (const other of [
    null,
    "",
    "//evil.example",
    "/ui//evil.example",
    "https://evil.example",
    "/1.0",
    "/ui/\\evil",
    "/ui/login?next=x",
  ]) {
    expect(safeNext(other)).toBe("/ui/clusters");
  }
  expect(signInUrl("/ui/events?a=b&c")).toBe("/oidc/login?next=%2Fui%2Fevents%3Fa%3Db%26c");
});

test("a browser is described in a few words", () => {
  const described = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/18.0 Safari/605.1",
    "curl/8.5.0",
    "",
    null,
  ];
  expect(described.map(browserWords)).toEqual([
    "Firefox on Linux",
    "Chrome on Windows",
    "Edge on Windows",
    "Safari on iOS",
    "Chrome on Android",
    "Safari on macOS",
    "curl/8.5.0",
    "Unknown browser",
    "Unknown browser",
  ]);
});
