// The state of the metrics sinks.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { path, request } from "../../api/client";
import { explain } from "../../api/errors";
import { keys } from "../../api/keys";
import { useRefetchInterval } from "../../api/live";
import type { MetricsSink, SinkState } from "../../api/types";
import { lookUp } from "../../api/words";
import { describeSink, mergeReports } from "./sinks";
import { State } from "./State";

const ICONS: Record<SinkState, string> = { idle: "help", taking: "success", failing: "error" };

export function MetricsSinks({ isConfigured }: { isConfigured: boolean }): ReactNode {
  const sinks = useQuery({
    queryKey: keys.metricsSinks,
    queryFn: ({ signal }) => request<MetricsSink[]>("GET", path("metrics-sink"), undefined, signal),
    refetchInterval: useRefetchInterval(),
  });
  if (sinks.data === undefined) return sinks.error === null ? "Checking…" : explain(sinks.error);
  if (sinks.data.length === 0) {
    const text = isConfigured ? "Configured; no unit has reported its state yet" : "Not configured";
    return <State icon="help" text={text} />;
  }
  return (
    <>
      {mergeReports(sinks.data).map((sink) => (
        <div key={sink.sink}>
          <State icon={lookUp(ICONS, sink.state) ?? "help"} text={describeSink(sink)} />{" "}
          <code>{sink.sink}</code>
        </div>
      ))}
    </>
  );
}
