// Totals of the fleet. Each number filters the list to the clusters it counts.
import classNames from "classnames";
import type { ReactNode } from "react";
import type { FleetTotals } from "../../api/types";
import { healthWord, warningKindWord } from "../../components/Health";
import { bytes } from "../../format/bytes";
import { count, number } from "../../format/count";
import { percent } from "../../format/percent";
import { HEALTH_STATES, toggled, WARNING_KINDS } from "../../url/listState";
import type { ListControls } from "./useListState";
import { SeverityIcon } from "./WarningSummary";

export function Totals({ totals, list }: { totals: FleetTotals; list: ListControls }): ReactNode {
  const { filter } = list.state;
  return (
    <section className="totals" aria-label="Fleet totals; each number filters the list">
      <Group title={count(totals.clusters, "cluster")}>
        {HEALTH_STATES.map((state) => (
          <Filter
            key={state}
            label={healthWord(state)}
            value={number(totals.health[state])}
            className={`health--${state}`}
            isOn={filter.health.includes(state)}
            onToggle={() => {
              list.filterBy({ health: toggled(filter.health, state) });
            }}
          />
        ))}
      </Group>
      <Statuses title="Members" field="memberStatus" counts={totals.member_statuses} list={list} />
      <Statuses title="Instances" field="instanceStatus" counts={totals.instance_statuses} list={list} />
      <Usage
        title="Memory"
        field="memoryAbove"
        usage={totals.memory_usage}
        total={totals.memory_total_amount}
        list={list}
      />
      <Usage
        title="Storage"
        field="storageAbove"
        usage={totals.storage_usage}
        total={totals.storage_total}
        list={list}
      />
      <Warnings totals={totals.warnings} list={list} />
    </section>
  );
}

interface GroupProps {
  title: string;
  className?: string;
  children: ReactNode;
}

function Group({ title, className, children }: GroupProps): ReactNode {
  return (
    <div className={classNames("totals__group", className)}>
      <h2 className="totals__title">{title}</h2>
      <div className="totals__filters">{children}</div>
    </div>
  );
}

/** A cluster can have a critical warning and another one of the same kind, so the severities are not added up. */
function Warnings({ totals, list }: { totals: FleetTotals["warnings"]; list: ListControls }): ReactNode {
  const { warning } = list.state.filter;
  const shown = WARNING_KINDS.map((kind) => ({
    kind,
    found: totals.filter((total) => total.kind === kind),
  })).filter(({ kind, found }) => found.length > 0 || warning.includes(kind));
  return (
    <Group title="Warnings" className="totals__group--wide">
      {shown.map(({ kind, found }) => (
        <Filter
          key={kind}
          label={warningKindWord(kind)}
          value={found.map(({ severity, clusters }) => (
            <span className="totals__severity" key={severity}>
              <SeverityIcon severity={severity} /> {number(clusters)}
            </span>
          ))}
          isOn={warning.includes(kind)}
          onToggle={() => {
            list.filterBy({ warning: toggled(warning, kind) });
          }}
        />
      ))}
      {shown.length === 0 && <span className="totals__use">None</span>}
    </Group>
  );
}

interface StatusesProps {
  title: string;
  field: "memberStatus" | "instanceStatus";
  counts: { status: string; count: number }[];
  list: ListControls;
}

/** Statuses without members or instances are omitted, unless the list is filtered by them and the filter must be shown. */
function Statuses({ title, field, counts, list }: StatusesProps): ReactNode {
  const chosen = list.state.filter[field];
  const total = counts.reduce((sum, entry) => sum + entry.count, 0);
  return (
    <Group title={`${title}: ${number(total)}`}>
      {counts
        .filter((entry) => entry.count > 0 || isChosen(chosen, entry.status))
        .map((entry) => (
          <Filter
            key={entry.status}
            label={entry.status}
            value={number(entry.count)}
            isOn={isChosen(chosen, entry.status)}
            onToggle={() => {
              list.filterBy({ [field]: toggled(chosen, entry.status) });
            }}
          />
        ))}
    </Group>
  );
}

function isChosen(chosen: string[], status: string): boolean {
  return chosen.some((word) => word.toLowerCase() === status.toLowerCase());
}

/** The default threshold, in percent. */
const DEFAULT_THRESHOLD = 80;

interface UsageProps {
  title: string;
  field: "memoryAbove" | "storageAbove";
  usage: number;
  total: number;
  list: ListControls;
}

function Usage({ title, field, usage, total, list }: UsageProps): ReactNode {
  const above = list.state.filter[field];
  const share = percent(usage, total);
  return (
    <Group title={`${title}: ${bytes(total)}`}>
      <span className="totals__use">{share === null ? "Unknown" : `${share}% used`}</span>
      <Filter
        label={`Above ${above ?? DEFAULT_THRESHOLD}%`}
        isOn={above !== null}
        onToggle={() => {
          list.filterBy({ [field]: above === null ? DEFAULT_THRESHOLD : null });
        }}
      />
    </Group>
  );
}

interface FilterProps {
  label: string;
  value?: ReactNode;
  className?: string;
  isOn: boolean;
  onToggle: () => void;
}

function Filter({ label, value, className, isOn, onToggle }: FilterProps): ReactNode {
  return (
    <button
      type="button"
      className={classNames("totals__filter", className)}
      aria-pressed={isOn}
      onClick={onToggle}
    >
      {value !== undefined && <b>{value}</b>} {label}
    </button>
  );
}
