import { expect, test } from "vitest";
import { outcomeOf, outcomeOfAll, reason } from "./bulkResult";
import { arcs, toneOf } from "./doughnutArcs";

test("what came of many is one sentence, and those that failed", () => {
  const done = { name: "a", status_code: 200, error: "" };
  const gone = { name: "b", status_code: 404, error: "Not Found" };
  expect(outcomeOf([done], "removed", "cluster").text).toBe("1 cluster removed.");
  expect(outcomeOfAll([], "configured", "cluster").text).toBe("All clusters that match were configured.");
  expect(outcomeOfAll([gone], "configured", "cluster").text).toBe(
    "All clusters that match were configured, but for 1 cluster.",
  );
  expect(outcomeOf([done, gone], "removed", "cluster")).toEqual({
    failed: [gone],
    text: "1 cluster removed, 1 cluster not.",
  });
  expect(reason(gone)).toBe("it no longer exists");
  expect(reason({ name: "c", status_code: 503, error: "the database was away" })).toBe(
    "the database was away",
  );
});

test("a doughnut closes, and leaves out what nobody is", () => {
  const ring = arcs([
    { status: "Online", count: 3 },
    { status: "Offline", count: 0 },
    { status: "Wandering", count: 1 },
  ]);
  expect(ring).toEqual([
    { status: "Online", start: 0, length: 75 },
    { status: "Wandering", start: 75, length: 25 },
  ]);
  expect(arcs([])).toEqual([]);
  expect([toneOf("ONLINE"), toneOf("Wandering")]).toEqual(["good", "unknown"]);
});
