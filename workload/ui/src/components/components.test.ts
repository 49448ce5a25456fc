import { expect, test } from "vitest";
import { outcomeOf, outcomeOfFailures, reason } from "./bulkResult";
import { arcs, toneOf } from "./doughnutArcs";

test("the outcome of a bulk request is a summary and the failures", () => {
  const done = { name: "a", status_code: 200, error: "" };
  const gone = { name: "b", status_code: 404, error: "Not Found" };
  expect(outcomeOf([done], "removed", "cluster").text).toBe("1 cluster removed.");
  expect(outcomeOfFailures([], "configured", "cluster").text).toBe("All matching clusters were configured.");
  expect(outcomeOfFailures([gone], "configured", "cluster").text).toBe(
    "All matching clusters were configured, except 1 cluster.",
  );
  expect(outcomeOf([done, gone], "removed", "cluster")).toEqual({
    failed: [gone],
    text: "1 cluster removed, 1 failed.",
  });
  expect(outcomeOf([gone], "removed", "cluster").text).toBe("No clusters removed, 1 failed.");
  expect(reason(gone)).toBe("it no longer exists");
  expect(reason({ name: "c", status_code: 503, error: "the database was unavailable" })).toBe(
    "the database was unavailable",
  );
});

test("the arcs of a doughnut add up to 100% and omit empty statuses", () => {
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
