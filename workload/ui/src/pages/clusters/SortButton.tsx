// A column's name that sorts the whole fleet by it.
import type { ReactNode } from "react";
import { usualOrder, type Order, type Sort } from "../../url/listState";
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
        list.change({ sort, order: order === null ? usualOrder(sort) : reversed(order) });
      }}
    >
      {SORT_LABELS[sort]}
    </button>
  );
}

/** What a header that holds these says of the order. */
export function ariaSort(sorts: Sort[], list: ListControls): "ascending" | "descending" | "none" {
  if (!sorts.includes(list.state.sort)) return "none";
  return list.state.order === "asc" ? "ascending" : "descending";
}

function reversed(order: Order): Order {
  return order === "asc" ? "desc" : "asc";
}
