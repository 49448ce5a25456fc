// Merges the reports of several units about metrics sinks, and describes them.
import type { MetricsSink, SinkState } from "../../api/types";
import { bytes } from "../../format/bytes";
import { count } from "../../format/count";
import { span } from "../../format/time";

/** From best to worst. */
const STATES: SinkState[] = ["idle", "taking", "failing"];

/** One report per sink: the worst state that a unit reports, and the sums of waiting and lost samples of all units. */
export function mergeReports(reports: MetricsSink[]): MetricsSink[] {
  const sinks = new Map<string, MetricsSink>();
  for (const report of reports) {
    const other = sinks.get(report.sink);
    sinks.set(report.sink, other === undefined ? report : merged(other, report));
  }
  return [...sinks.values()];
}

function merged(one: MetricsSink, other: MetricsSink): MetricsSink {
  const worse = STATES.indexOf(other.state) > STATES.indexOf(one.state) ? other : one;
  return {
    ...worse,
    oldest_seconds: Math.max(one.oldest_seconds, other.oldest_seconds),
    waiting_bytes: one.waiting_bytes + other.waiting_bytes,
    samples_sent: one.samples_sent + other.samples_sent,
    samples_dropped: one.samples_dropped + other.samples_dropped,
  };
}

/** `Failing: connection refused; 1.5 MiB waiting for 3 min, 12 samples lost`. */
export function describeSink(sink: MetricsSink): string {
  if (sink.state === "idle") return "Nothing sent yet";
  const lost = sink.samples_dropped > 0 ? [`${count(sink.samples_dropped, "sample")} lost`] : [];
  if (sink.state !== "failing") return ["Accepting samples", ...lost].join(", ");
  const waiting = `${bytes(sink.waiting_bytes)} waiting for ${span(sink.oldest_seconds * 1000)}`;
  return `Failing: ${sink.reason ?? "unknown reason"}; ${[waiting, ...lost].join(", ")}`;
}
