import { describe, expect, it } from "vitest";
import { HEIGHT, lines, nearest, nextKnown, stretches, topOf, WIDTH } from "./chartLines";

const span = { from: 0, to: 3000 };

describe("the line of a chart", () => {
  it("connects the points over the whole width", () => {
    const series = { at: [0, 300, 600], values: [0, 50, 100], step: 300 };
    expect(lines(series, { from: 0, to: 600 }, 100)).toBe(
      `M0 ${HEIGHT}h0L${WIDTH / 2} ${HEIGHT / 2}L${WIDTH} 0`,
    );
  });

  it("has gaps at unknown and at missing points", () => {
    const unknown = { at: [0, 300, 600], values: [1, null, 1], step: 300 };
    expect(lines(unknown, span, 1).match(/M/g)).toHaveLength(2);
    const away = { at: [0, 300, 2700], values: [1, 1, 1], step: 300 };
    expect(lines(away, span, 1).match(/M/g)).toHaveLength(2);
  });

  it("stays inside the chart", () => {
    expect(lines({ at: [0], values: [500], step: 300 }, span, 100)).toBe("M0 0h0");
    expect(topOf([0, null])).toBe(1);
  });
});

describe("a band of states", () => {
  it("merges adjacent points with the same state", () => {
    const found = stretches([0, 300, 600, 2400], ["fresh", "fresh", "lost", "lost"], 300, span);
    expect(found.map(({ state, start, length }) => [state, start, length])).toEqual([
      ["fresh", 0, 60],
      ["lost", 60, 30],
      ["lost", 240, 30],
    ]);
  });
});

describe("the point under the pointer", () => {
  it("is the nearest known point", () => {
    const series = { at: [0, 1500, 3000], values: [1, null, 1], step: 1500 };
    expect(nearest(series, span, 0.45)).toBe(0);
    expect(nearest(series, span, 0.55)).toBe(2);
    expect(nearest({ at: [0], values: [null], step: 300 }, span, 0)).toBe(null);
  });
});

describe("a step to the next point", () => {
  it("skips unknown points and stops at the end", () => {
    const series = { at: [0, 300, 600], values: [1, null, 1], step: 300 };
    expect(nextKnown(series, 1, 1)).toBe(2);
    expect(nextKnown(series, 1, -1)).toBe(0);
    expect(nextKnown(series, 3, 1)).toBe(null);
  });
});
