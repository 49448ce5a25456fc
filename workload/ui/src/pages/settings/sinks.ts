// What several units say of a sink, as one.
import type { MetricsSink } from "../../api/types";
import { bytes } from "../../format/bytes";
import { count } from "../../format/count";
import { span } from "../../format/time";

/** From good to bad. */
const STATES = ["idle", "taking", "failing"];

/** Each sink once, as the unit sees it that has most trouble with it; what waits and what is lost, of all units. */
export function standings(reports: MetricsSink[]): MetricsSink[] {
  const sinks = new Map<string, MetricsSink>();
  for (const report of reports) {
    const other = sinks.get(report.sink);
    sinks.set(report.sink, other === undefined ? report : both(other, report));
  }
  return [...sinks.values()];
}

function both(one: MetricsSink, other: MetricsSink): MetricsSink {
  const worse = STATES.indexOf(other.state) > STATES.indexOf(one.state) ? other : one;
  return {
    ...worse,
    oldest_seconds: Math.max(one.oldest_seconds, other.oldest_seconds),
    waiting_bytes: one.waiting_bytes + other.waiting_bytes,
    samples_sent: one.samples_sent + other.samples_sent,
    samples_dropped: one.samples_dropped + other.samples_dropped,
  };
}

/** `failing: connection refused; 1.5 MiB have waited for 3 min, 12 samples are lost`. */
export function words(sink: MetricsSink): string {
  if (sink.state === "idle") return "nothing was sent yet";
  const lost = sink.samples_dropped > 0 ? [`${count(sink.samples_dropped, "sample")} lost`] : [];
  if (sink.state !== "failing") return ["takes samples", ...lost].join(", ");
  const waiting = `${bytes(sink.waiting_bytes)} waiting for ${span(sink.oldest_seconds * 1000)}`;
  return `failing: ${sink.reason ?? "nobody knows why"}; ${[waiting, ...lost].join(", ")}`;
}
