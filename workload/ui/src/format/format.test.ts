import { expect, test } from "vitest";
import { bytes, bytesOf } from "./bytes";
import { count } from "./count";
import { isAbove, percent } from "./percent";
import { textProblem, visible } from "./text";
import { absolute, date, lasting, relative, span } from "./time";

test("bytes have binary units and one decimal", () => {
  expect([0, 1023, 1024, 1536, 1024 ** 4, 1024 ** 2 - 1].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "1.0 TiB",
    "1.0 MiB",
  ]);
  expect(bytes(2 ** 63)).toBe("8.0 EiB");
  expect(bytesOf(1.5 * 1024 ** 4, 4 * 1024 ** 4)).toBe("1.5 of 4.0 TiB");
  expect(bytesOf(20 * 1024 ** 3, 1024 ** 4)).toBe("20.0 GiB of 1.0 TiB");
  expect([bytesOf(0, 4 * 1024 ** 4), bytesOf(0, 0)]).toEqual(["0 of 4.0 TiB", "0 of 0 B"]);
  expect(bytesOf(2 * 1024 ** 4, 1024 ** 3)).toBe("2.0 TiB of 1.0 GiB");
});

test("percentages are whole and rounded up, and there is none of zero", () => {
  expect(percent(801, 1000)).toBe(81);
  expect(percent(0, 1000)).toBe(0);
  expect(percent(5, 0)).toBeNull();
});

test("a value at the threshold is not above it", () => {
  expect(isAbove(80, 100, 80)).toBe(false);
  expect(isAbove(801, 1000, 80)).toBe(true);
  expect(isAbove(1, 0, 0)).toBe(false);
});

test("durations have one or two units", () => {
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
  expect([
    span(-1),
    span(59_999),
    span(3 * minute + 20_000),
    span(12 * minute + 20_000),
    span(2 * hour + 5 * minute),
    span(11 * hour + 5 * minute),
    span(day + 4 * hour),
    span(5 * day + 4 * hour),
  ]).toEqual(["0 s", "59 s", "3 min 20 s", "12 min", "2 h 5 min", "11 h", "1 d 4 h", "5 d"]);
});

test("a time less than 5 s ahead counts as now", () => {
  expect(relative(1_003_000, 1_000_000)).toBe("just now");
  expect(relative(1_000_000, 1_000_400)).toBe("just now");
  expect(relative(1_000_000, 1_005_000)).toBe("5 s ago");
  expect(relative(4_600_000, 1_000_000)).toBe("in 1 h");
});

test("a state lasts for at least a second", () => {
  expect(lasting(1_000_000, 1_000_400)).toBe("for 1 s");
  expect(lasting(1_000_000, 1_120_000)).toBe("for 2 min");
});

test("dates are written with the year first", () => {
  const time = new Date(2026, 2, 4, 5, 6, 7).getTime();
  expect(absolute(time)).toMatch(/^2026-03-04 05:06:07 \S+$/);
  expect(absolute(new Date(2026, 2, 4).getTime())).toMatch(/^2026-03-04 00:00:00 /);
  expect(date(time)).toBe("2026-03-04");
});

test("nouns agree with their numbers", () => {
  expect([count(1, "cluster"), count(0, "cluster"), count(12_345, "cluster")]).toEqual([
    "1 cluster",
    "0 clusters",
    "12,345 clusters",
  ]);
});

test("invisible and control characters are shown escaped", () => {
  expect(visible("a\u202Eb\u200Bc\u001B[2J\u{E0041}")).toBe(
    String.raw`a\u{202e}b\u{200b}c\u{1b}[2J\u{e0041}`,
  );
  for (const text of ["Zürich", "مدينة", "北京", "🦀 ⚠\uFE0F", "two\nlines\tand a tab"])
    expect(visible(text)).toBe(text);
  expect(visible("paris\uFE0F")).toBe(String.raw`paris\u{fe0f}`);
});

test("nobody chooses text that misleads", () => {
  expect(textProblem("A description", "two\nlines, ⚠\uFE0F", true)).toBeNull();
  expect(textProblem("A name", "two\nlines", false)).toContain("control");
  expect(textProblem("A name", "a\u2066", false)).toBe(
    "A name cannot contain invisible characters (U+2066).",
  );
  expect(textProblem("A name", " a", false)).toContain("blank");
});
