// A cluster's history: health as a band, values as small charts, and forecasts of when memory and storage will be full.
import { useState, type ReactNode } from "react";
import { useClusterHistory } from "../../api/queries";
import type { ClusterHistory } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { Skeleton } from "../../components/Skeleton";
import { count, number } from "../../format/count";
import { span as formatSpan } from "../../format/time";
import { Chart } from "./Chart";
import { HEIGHT, missingPoints, stretches, WIDTH, type Series, type Span } from "./chartLines";

type Resolution = "5m" | "1h";

const CHOICES: { resolution: Resolution; label: string }[] = [
  { resolution: "5m", label: "2 days" },
  { resolution: "1h", label: "90 days" },
];

export function History({ name }: { name: string }): ReactNode {
  const [resolution, setResolution] = useState<Resolution>("5m");
  const query = useClusterHistory(name, resolution);
  return (
    <section className="card card--wide" aria-label="History">
      <div className="history__head">
        <h2 className="card__title">History</h2>
        <div className="history__choices" role="group" aria-label="Period">
          {CHOICES.map((choice) => (
            <button
              key={choice.resolution}
              type="button"
              className="p-button is-dense"
              aria-pressed={choice.resolution === resolution}
              onClick={() => {
                setResolution(choice.resolution);
              }}
            >
              {choice.label}
            </button>
          ))}
        </div>
      </div>
      <Loaded query={query} loading={<Skeleton rows={3} label="Loading history" />}>
        {(history) => <Charts history={history} />}
      </Loaded>
    </section>
  );
}

function Charts({ history }: { history: ClusterHistory }): ReactNode {
  const first = history.at[0];
  const last = history.at.at(-1);
  if (first === undefined || last === undefined) {
    return (
      <p className="u-text--muted">
        No history yet. One point is recorded{" "}
        {history.resolution_seconds < 3600 ? "every 5 min" : "every hour"}.
      </p>
    );
  }
  const step = history.resolution_seconds;
  // A single point has no width.
  const span = { from: Math.min(first, last - 12 * step), to: last + step };
  const of = (values: (number | null)[]): Series => ({ at: history.at, values, step });
  const shares = (usage: (number | null)[], total: (number | null)[]): Series =>
    of(usage.map((used, index) => shareOf(used, total[index] ?? null)));
  const asPercent = (value: number): string => `${Math.round(value)}%`;
  return (
    <>
      <HealthBand history={history} span={span} />
      <div className="charts">
        <Chart
          title="CPU load"
          series={of(history.cpu_load)}
          span={span}
          format={(load) => load.toFixed(2)}
        />
        <Chart
          title="Memory"
          series={shares(history.memory_usage, history.memory_total)}
          span={span}
          format={asPercent}
          top={100}
          note={fullForecast(history.memory_full_in_days)}
        />
        <Chart
          title="Storage"
          series={shares(history.storage_usage, history.storage_total)}
          span={span}
          format={asPercent}
          top={100}
          note={fullForecast(history.storage_full_in_days)}
        />
        <Chart title="Instances running" series={of(history.instances_running)} span={span} format={number} />
        <Chart title="Members online" series={of(history.members_online)} span={span} format={number} />
      </div>
    </>
  );
}

function HealthBand({ history, span }: { history: ClusterHistory; span: Span }): ReactNode {
  const pointsIn = (state: string): number => history.health.filter((health) => health === state).length;
  const [late, lost] = [pointsIn("late"), pointsIn("lost")];
  const durationOf = (points: number): string => formatSpan(points * history.resolution_seconds * 1000);
  // The hub records nothing while it does not run.
  const unknown = missingPoints(history.at, history.resolution_seconds);
  const parts = [
    late > 0 ? `late for ${durationOf(late)}` : "",
    lost > 0 ? `lost for ${durationOf(lost)}` : "",
    unknown > 0 ? `not recorded for ${durationOf(unknown)}` : "",
  ].filter((part) => part !== "");
  const summary = parts.length === 0 ? "always fresh" : parts.join(", ");
  return (
    <figure className="chart">
      <figcaption className="chart__title">
        Health <b>{summary}</b>
        <small className="u-text--muted"> in the last {formatSpan((span.to - span.from) * 1000)}</small>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="chart__band"
        aria-hidden="true"
      >
        {stretches(history.at, history.health, history.resolution_seconds, span).map(
          ({ state, start, length }) => (
            <rect
              key={start}
              className={`chart__stretch is-${state}`}
              x={start}
              y="0"
              width={length}
              height={HEIGHT}
            />
          ),
        )}
      </svg>
    </figure>
  );
}

function shareOf(usage: number | null, total: number | null): number | null {
  return usage === null || total === null || total === 0 ? null : (usage * 100) / total;
}

function fullForecast(days: number | null | undefined): string | null {
  if (days === null || days === undefined) return null;
  return days === 0 ? "full within a day at this rate" : `full in ${count(days, "day")} at this rate`;
}
