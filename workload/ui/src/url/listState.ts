// The state of the list in the page's address: filter, order, page. Invalid parameters are ignored, so that old links
// still open.

import type { BulkRequest, HealthState, WarningKind } from "../api/types";

export const HEALTH_STATES = ["lost", "late", "fresh"] as const satisfies readonly HealthState[];
export const WARNING_KINDS = [
  "heartbeat",
  "members",
  "ceph",
  "storage",
  "memory",
  "instances",
  "certificate",
  "report",
  "metrics",
] as const satisfies readonly WarningKind[];
export const SORTS = [
  "name",
  "description",
  "health",
  "last_heartbeat",
  "members",
  "instances",
  "cpu",
  "memory",
  "storage",
  "warnings",
  "joined_at",
] as const;
/** At most 75, so that a response stays below 100 kB and rendering never blocks the page. */
export const PAGE_SIZES = [25, 50, 75] as const;
export const DEFAULT_SIZE = 50;

export type Sort = (typeof SORTS)[number];
export type Order = "asc" | "desc";

export interface ListFilter {
  search: string;
  health: HealthState[];
  warning: WarningKind[];
  memberStatus: string[];
  instanceStatus: string[];
  memoryAbove: number | null;
  storageAbove: number | null;
}

export interface ListState {
  filter: ListFilter;
  sort: Sort;
  order: Order;
  size: number;
  /** The cursor at which the page begins; null for the first page. */
  cursor: string | null;
  /** The number of the page, for display only. */
  page: number;
}

export const NO_FILTER: ListFilter = {
  search: "",
  health: [],
  warning: [],
  memberStatus: [],
  instanceStatus: [],
  memoryAbove: null,
  storageAbove: null,
};

/** The hub's default order: texts ascending, everything else descending. */
export function defaultOrder(sort: Sort): Order {
  return sort === "name" || sort === "description" ? "asc" : "desc";
}

export function parseListState(address: URLSearchParams): ListState {
  const sort = oneOf(SORTS, address.get("sort")) ?? "health";
  const cursor = address.get("cursor");
  const page = whole(address.get("page"), 2, 1_000_000);
  return {
    filter: {
      search: address.get("search") ?? "",
      health: manyOf(HEALTH_STATES, address.getAll("health")),
      warning: manyOf(WARNING_KINDS, address.getAll("warning")),
      memberStatus: statuses(address.getAll("member-status")),
      instanceStatus: statuses(address.getAll("instance-status")),
      memoryAbove: whole(address.get("memory-above"), 0, 100),
      storageAbove: whole(address.get("storage-above"), 0, 100),
    },
    sort,
    order: oneOf(["asc", "desc"] as const, address.get("order")) ?? defaultOrder(sort),
    size: PAGE_SIZES.find((size) => size === Number(address.get("limit"))) ?? DEFAULT_SIZE,
    cursor: cursor === null || cursor === "" ? null : cursor,
    page: cursor === null || cursor === "" ? 1 : (page ?? 2),
  };
}

/** The address of a list. Defaults are omitted. */
export function listAddress(state: ListState): URLSearchParams {
  const address = filterParameters(state.filter);
  if (state.sort !== "health" || state.order !== defaultOrder(state.sort)) {
    address.set("sort", state.sort);
    if (state.order !== defaultOrder(state.sort)) address.set("order", state.order);
  }
  if (state.size !== DEFAULT_SIZE) address.set("limit", state.size.toString());
  if (state.cursor !== null) {
    address.set("cursor", state.cursor);
    address.set("page", state.page.toString());
  }
  return address;
}

/** The query of the request to the hub. */
export function listQuery(state: ListState): string {
  const query = filterParameters(state.filter);
  query.set("fields", "summary");
  query.set("limit", state.size.toString());
  query.set("sort", state.sort);
  query.set("order", state.order);
  if (state.cursor !== null) query.set("cursor", state.cursor);
  return query.toString();
}

/** The changed state. A change of filter, order or size goes back to the first page. */
export function firstPage(state: ListState, change: Partial<ListState>): ListState {
  return { ...state, ...change, cursor: null, page: 1 };
}

export function isFiltered(filter: ListFilter): boolean {
  return filterParameters(filter).size > 0;
}

/** The filter in the body of a bulk request. */
export function filterBody(filter: ListFilter): NonNullable<BulkRequest["filter"]> {
  return {
    ...(filter.search === "" ? {} : { search: filter.search }),
    ...(filter.health.length === 0 ? {} : { health: filter.health }),
    ...(filter.warning.length === 0 ? {} : { warning: filter.warning }),
    ...(filter.memberStatus.length === 0 ? {} : { "member-status": filter.memberStatus }),
    ...(filter.instanceStatus.length === 0 ? {} : { "instance-status": filter.instanceStatus }),
    ...(filter.memoryAbove === null ? {} : { "memory-above": filter.memoryAbove }),
    ...(filter.storageAbove === null ? {} : { "storage-above": filter.storageAbove }),
  };
}

/** The list with the value added, or removed if it was present. */
export function toggled<T>(list: T[], value: T): T[] {
  return list.includes(value) ? list.filter((item) => item !== value) : [...list, value];
}

function filterParameters(filter: ListFilter): URLSearchParams {
  const parameters = new URLSearchParams();
  if (filter.search !== "") parameters.set("search", filter.search);
  for (const health of filter.health) parameters.append("health", health);
  for (const kind of filter.warning) parameters.append("warning", kind);
  for (const status of filter.memberStatus) parameters.append("member-status", status);
  for (const status of filter.instanceStatus) parameters.append("instance-status", status);
  if (filter.memoryAbove !== null) parameters.set("memory-above", filter.memoryAbove.toString());
  if (filter.storageAbove !== null) parameters.set("storage-above", filter.storageAbove.toString());
  return parameters;
}

function oneOf<T extends string>(allowed: readonly T[], word: string | null): T | null {
  return allowed.find((candidate) => candidate === word) ?? null;
}

function manyOf<T extends string>(allowed: readonly T[], values: string[]): T[] {
  const words = values.flatMap((value) => value.split(","));
  return allowed.filter((candidate) => words.includes(candidate));
}

/** Statuses are LXD's own words, separated by commas. */
function statuses(values: string[]): string[] {
  const words = values.flatMap((value) => value.split(",")).filter((word) => word !== "");
  return [...new Set(words)];
}

function whole(text: string | null, min: number, max: number): number | null {
  if (text === null || !/^\d{1,7}$/.test(text)) return null;
  const number = Number(text);
  return number >= min && number <= max ? number : null;
}
