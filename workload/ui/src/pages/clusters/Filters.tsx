// Search, the choice of filters, and the active filters.
import type { ReactNode } from "react";
import { SearchField } from "../../components/SearchField";
import { Button } from "../../kit";
import {
  HEALTH_STATES,
  isFiltered,
  NO_FILTER,
  SORTS,
  toggled,
  defaultOrder,
  WARNING_KINDS,
  type ListFilter,
} from "../../url/listState";
import { healthWord, warningKindWord } from "../../components/Health";
import { SORT_LABELS } from "./SortButton";
import type { ListControls } from "./useListState";
import { visible } from "../../format/text";

const USAGE_THRESHOLDS = [50, 60, 70, 80, 90, 95];

export function Filters({ list }: { list: ListControls }): ReactNode {
  return (
    <div className="filters">
      <SearchField
        label="Search names and descriptions"
        value={list.state.filter.search}
        onSearch={(search) => {
          // A search is one entry in the browser's history, not one for each pause in typing.
          list.filterBy({ search }, list.state.filter.search !== "");
        }}
      />
      <AddFilter list={list} />
      <SortChoice list={list} />
      <Chips list={list} />
    </div>
  );
}

interface Choice {
  label: string;
  change: Partial<ListFilter>;
}

function AddFilter({ list }: { list: ListControls }): ReactNode {
  const { filter } = list.state;
  const groups: [string, Choice[]][] = [
    [
      "Health",
      HEALTH_STATES.filter((state) => !filter.health.includes(state)).map((state) => ({
        label: healthWord(state),
        change: { health: [...filter.health, state] },
      })),
    ],
    [
      "Warning",
      WARNING_KINDS.filter((kind) => !filter.warning.includes(kind)).map((kind) => ({
        label: warningKindWord(kind),
        change: { warning: [...filter.warning, kind] },
      })),
    ],
    ["Member", statusChoices("memberStatus", ["Online", "Offline", "Evacuated", "Blocked"], filter)],
    ["Instance", statusChoices("instanceStatus", ["Running", "Stopped", "Frozen", "Error"], filter)],
    [
      "Memory usage",
      USAGE_THRESHOLDS.map((share) => ({ label: `above ${share}%`, change: { memoryAbove: share } })),
    ],
    [
      "Storage usage",
      USAGE_THRESHOLDS.map((share) => ({ label: `above ${share}%`, change: { storageAbove: share } })),
    ],
  ];
  return (
    <select
      aria-label="Add filter"
      className="filters__add"
      value=""
      onChange={(event) => {
        const [group, choice] = event.target.value.split(".").map(Number);
        const chosen = groups[group ?? -1]?.[1][choice ?? -1];
        if (chosen !== undefined) list.filterBy(chosen.change);
      }}
    >
      <option value="">Add filter…</option>
      {groups.map(([label, choices], group) => (
        <optgroup key={label} label={label}>
          {choices.map((choice, index) => (
            <option key={choice.label} value={`${group}.${index}`}>
              {label}: {choice.label}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}

function statusChoices(
  field: "memberStatus" | "instanceStatus",
  words: string[],
  filter: ListFilter,
): Choice[] {
  const chosen = filter[field];
  const others = words.filter((word) => !chosen.includes(word));
  return others.map((word) => ({ label: word, change: { [field]: [...chosen, word] } }));
}

/** Replaces the table's headers on narrow screens. */
function SortChoice({ list }: { list: ListControls }): ReactNode {
  const { sort, order } = list.state;
  return (
    <div className="filters__sort">
      <select
        aria-label="Sort by"
        value={sort}
        onChange={(event) => {
          const chosen = SORTS.find((candidate) => candidate === event.target.value) ?? sort;
          list.change({ sort: chosen, order: defaultOrder(chosen) });
        }}
      >
        {SORTS.map((option) => (
          <option key={option} value={option}>
            Sort by {inSentence(SORT_LABELS[option])}
          </option>
        ))}
      </select>
      <Button
        hasIcon
        aria-label={
          order === "asc" ? "Sorted ascending; sort descending" : "Sorted descending; sort ascending"
        }
        onClick={() => {
          list.change({ order: order === "asc" ? "desc" : "asc" });
        }}
      >
        <i className={order === "asc" ? "p-icon--arrow-up" : "p-icon--arrow-down"} />
      </Button>
    </div>
  );
}

function Chips({ list }: { list: ListControls }): ReactNode {
  const { filter } = list.state;
  if (!isFiltered(filter)) return null;
  const { filterBy } = list;
  const chips: [string, Partial<ListFilter>][] = [
    ...(filter.search === ""
      ? []
      : [[`Search: ${filter.search}`, { search: "" }] as [string, Partial<ListFilter>]]),
    ...filter.health.map((state): [string, Partial<ListFilter>] => [
      `Health: ${healthWord(state)}`,
      { health: toggled(filter.health, state) },
    ]),
    ...filter.warning.map((kind): [string, Partial<ListFilter>] => [
      `Warning: ${warningKindWord(kind)}`,
      { warning: toggled(filter.warning, kind) },
    ]),
    ...filter.memberStatus.map((word): [string, Partial<ListFilter>] => [
      `Member: ${word}`,
      { memberStatus: toggled(filter.memberStatus, word) },
    ]),
    ...filter.instanceStatus.map((word): [string, Partial<ListFilter>] => [
      `Instance: ${word}`,
      { instanceStatus: toggled(filter.instanceStatus, word) },
    ]),
    ...usageChip("Memory usage", filter.memoryAbove, { memoryAbove: null }),
    ...usageChip("Storage usage", filter.storageAbove, { storageAbove: null }),
  ];
  return (
    <ul className="chips" aria-label="Active filters">
      {chips.map(([label, without]) => (
        <li key={label}>
          <button
            type="button"
            className="p-chip"
            onClick={() => {
              filterBy(without);
            }}
          >
            <span className="p-chip__value">
              <bdi>{visible(label)}</bdi>
            </span>
            <i className="p-icon--close">Remove filter</i>
          </button>
        </li>
      ))}
      <li>
        <Button
          appearance="link"
          onClick={() => {
            list.change({ filter: NO_FILTER });
          }}
        >
          Clear all
        </Button>
      </li>
    </ul>
  );
}

/** `CPU load` stays, `Last heartbeat` becomes `last heartbeat`. */
function inSentence(label: string): string {
  return /^[A-Z]{2}/.test(label) ? label : label.toLowerCase();
}

function usageChip(
  label: string,
  above: number | null,
  without: Partial<ListFilter>,
): [string, Partial<ListFilter>][] {
  return above === null ? [] : [[`${label}: above ${above}%`, without]];
}
