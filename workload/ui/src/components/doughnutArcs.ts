// The geometry of a doughnut chart, and the colour of each status.
import type { StatusCount } from "../api/types";

export interface Arc {
  status: string;
  /** Start and length are percentages of the ring. */
  start: number;
  length: number;
}

export function arcs(statuses: StatusCount[]): Arc[] {
  const present = statuses.filter((status) => status.count > 0);
  const total = present.reduce((sum, status) => sum + status.count, 0);
  let start = 0;
  return present.map(({ status, count }) => {
    const length = (count * 100) / total;
    const arc = { status, start, length };
    start += length;
    return arc;
  });
}

export type Tone = "good" | "quiet" | "caution" | "bad" | "unknown";

const TONES: Record<string, Tone> = {
  online: "good",
  running: "good",
  ok: "good",
  stopped: "quiet",
  frozen: "quiet",
  evacuated: "caution",
  offline: "bad",
  error: "bad",
  blocked: "bad",
};

/** Statuses are LXD's own words, compared without case. Unknown ones are shown too. */
export function toneOf(status: string): Tone {
  return TONES[status.toLowerCase()] ?? "unknown";
}
