// A column header that sorts the list.
import type { ReactNode } from "react";
import { defaultOrder, type Order, type Sort } from "../../url/listState";
import type { ListControls } from "./useListState";

export const SORT_LABELS: Record<Sort, string> = {
  name: "Name",
  description: "Description",
  health: "Health",
  last_heartbeat: "Last heartbeat",
  members: "Members",
  instances: "Instances",
  cpu: "CPU load",
  memory: "Memory",
  storage: "Storage",
  warnings: "Warnings",
  joined_at: "Joined",
};

export function SortButton({ sort, list }: { sort: Sort; list: ListControls }): ReactNode {
  const order = list.state.sort === sort ? list.state.order : null;
  return (
    <button
      type="button"
      className="sort-button"
      data-order={order ?? "none"}
      onClick={() => {
        list.change({ sort, order: order === null ? defaultOrder(sort) : reversed(order) });
      }}
    >
      {SORT_LABELS[sort]}
    </button>
  );
}

/** The `aria-sort` of a header with these sort buttons. */
export function ariaSort(sorts: Sort[], list: ListControls): "ascending" | "descending" | "none" {
  if (!sorts.includes(list.state.sort)) return "none";
  return list.state.order === "asc" ? "ascending" : "descending";
}

function reversed(order: Order): Order {
  return order === "asc" ? "desc" : "asc";
}
