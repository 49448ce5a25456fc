import { expect, test } from "vitest";
import { nameProblem } from "./clusterName";
import { changedFields } from "./ConfigurePanel";
import { CUSTOM, expiryOf } from "./expiry";
import { parseThreshold } from "./thresholds";

test("a name has 1 to 255 characters and no control characters", () => {
  expect(nameProblem("")).not.toBeNull();
  expect(nameProblem("🚀".repeat(255))).toBeNull();
  expect(nameProblem("x".repeat(256))).toContain("this one has 256");
  expect(nameProblem("a\tb")).not.toBeNull();
  expect(nameProblem("a/b?c#d%")).toBeNull();
  expect(nameProblem("pa\u200Bris")).toContain("U+200B");
  expect(nameProblem("paris ")).toContain("blank");
});

test("a threshold is a whole percentage or empty", () => {
  expect(["0", " 100 ", "", "101", "80.5", "-1", "x"].map(parseThreshold)).toEqual([
    0,
    100,
    null,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("only changed fields are sent", () => {
  const current = { description: "old", disk_threshold: 80, memory_threshold: 80 };
  expect(changedFields({ description: "old", disk: "90", memory: "80" }, current)).toEqual({
    disk_threshold: 90,
  });
  expect(changedFields({ description: "", disk: "80", memory: "80" }, current)).toEqual({ description: "" });
  expect(changedFields({ description: "", disk: "", memory: "70" })).toEqual({ memory_threshold: 70 });
  expect(changedFields({ description: "", disk: "x", memory: "" })).toBeNull();
});

test("an expiry is in the future", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(expiryOf("24", "", now)).toBe("2026-01-02T00:00:00.000Z");
  expect(expiryOf(CUSTOM, "2026-01-01T00:00:00Z", now)).toBeNull();
  expect(expiryOf(CUSTOM, "", now)).toBeNull();
});
