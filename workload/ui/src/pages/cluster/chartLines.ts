// The geometry of a small chart: time to the right, values upwards, in a box of WIDTH by HEIGHT.

export const WIDTH = 300;
export const HEIGHT = 60;

export interface Series {
  /** Seconds since 1970, ascending. */
  at: number[];
  values: (number | null)[];
  /** The interval between points, in seconds. */
  step: number;
}

export interface Span {
  from: number;
  to: number;
}

/**
 * The path through the known points, with gaps at unknown and at missing points: the hub records none during its own
 * outages.
 */
export function lines({ at, values, step }: Series, span: Span, top: number): string {
  let path = "";
  let previous: number | null = null;
  at.forEach((time, index) => {
    const value = values[index] ?? null;
    if (value === null) {
      previous = null;
      return;
    }
    const continues = previous !== null && time - previous < 1.5 * step;
    path += `${continues ? "L" : "M"}${round(x(time, span))} ${round(y(value, top))}`;
    // The line's cap turns an isolated point into a dot.
    if (!continues) path += "h0";
    previous = time;
  });
  return path;
}

export function x(time: number, { from, to }: Span): number {
  return ((time - from) / (to - from)) * WIDTH;
}

export function y(value: number, top: number): number {
  return HEIGHT - (Math.min(value, top) / top) * HEIGHT;
}

export interface Stretch {
  state: string;
  start: number;
  length: number;
}

/** Adjacent points with the same state, merged. */
export function stretches(at: number[], states: string[], step: number, span: Span): Stretch[] {
  const found: (Stretch & { until: number })[] = [];
  at.forEach((time, index) => {
    const state = states[index] ?? "";
    const last = found.at(-1);
    if (last?.state === state && time - last.until < step) {
      last.until = time + step;
      last.length = x(last.until, span) - last.start;
    } else {
      const start = x(time, span);
      found.push({ state, start, length: x(time + step, span) - start, until: time + step });
    }
  });
  return found.map(({ state, start, length }) => ({ state, start: round(start), length: round(length) }));
}

/** How many points are missing between the first and the last. */
export function missingPoints(at: number[], step: number): number {
  const [first, last] = [at[0], at.at(-1)];
  if (first === undefined || last === undefined) return 0;
  return Math.max(0, Math.round((last - first) / step) + 1 - at.length);
}

/** The index of the known point nearest to a position from 0 (left edge) to 1 (right edge). */
export function nearest({ at, values }: Series, span: Span, position: number): number | null {
  const time = span.from + position * (span.to - span.from);
  let best: number | null = null;
  at.forEach((candidate, index) => {
    if ((values[index] ?? null) === null) return;
    const isNearer = best === null || Math.abs(candidate - time) < Math.abs((at[best] ?? 0) - time);
    if (isNearer) best = index;
  });
  return best;
}

/** The index of the first known point from `from` on, in this direction. */
export function nextKnown({ values }: Series, from: number, direction: -1 | 1): number | null {
  for (let index = from; index >= 0 && index < values.length; index += direction) {
    if ((values[index] ?? null) !== null) return index;
  }
  return null;
}

/** A little above the highest value; 1 if all values are 0. */
export function topOf(values: (number | null)[]): number {
  const highest = values.reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
  return highest === 0 ? 1 : highest * 1.1;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
