// The state of the events page in its address.

export const ACTIONS = [
  { value: "cluster", label: "All cluster events" },
  { value: "cluster.joined", label: "Cluster joined" },
  { value: "cluster.configured", label: "Cluster configured" },
  { value: "cluster.removed", label: "Cluster removed" },
  { value: "cluster.left", label: "Cluster left" },
  { value: "token", label: "All join token events" },
  { value: "token.created", label: "Join token created" },
  { value: "token.revoked", label: "Join token revoked" },
  { value: "sign-in", label: "Sign-ins" },
  { value: "sign-out", label: "Sign-outs" },
  { value: "session.ended", label: "Ended sessions" },
  { value: "join.refused", label: "Refused joins" },
  { value: "request.refused", label: "Refused requests" },
  { value: "service-account", label: "Service accounts" },
] as const;

export interface EventFilter {
  search: string;
  cluster: string;
  actor: string;
  action: string;
  since: string;
  until: string;
}

export interface EventState {
  filter: EventFilter;
  cursor: string | null;
  page: number;
}

const FIELDS = ["search", "cluster", "actor", "action", "since", "until"] as const;
export const NO_EVENT_FILTER: EventFilter = {
  search: "",
  cluster: "",
  actor: "",
  action: "",
  since: "",
  until: "",
};
export const EVENTS_PER_PAGE = 50;

export function parseEventState(address: URLSearchParams): EventState {
  const filter = { ...NO_EVENT_FILTER };
  for (const field of FIELDS) filter[field] = address.get(field) ?? "";
  for (const field of ["since", "until"] as const) {
    if (Number.isNaN(Date.parse(filter[field]))) filter[field] = "";
  }
  const cursor = address.get("cursor");
  const page = Number(address.get("page"));
  return { filter, cursor, page: cursor === null ? 1 : Number.isSafeInteger(page) && page > 1 ? page : 2 };
}

export function eventAddress(state: EventState): URLSearchParams {
  const address = filterParameters(state.filter);
  if (state.cursor !== null) {
    address.set("cursor", state.cursor);
    address.set("page", state.page.toString());
  }
  return address;
}

export function eventQuery(state: EventState): string {
  const query = filterParameters(state.filter);
  query.set("limit", EVENTS_PER_PAGE.toString());
  if (state.cursor !== null) query.set("cursor", state.cursor);
  return query.toString();
}

export function hasEventFilter(filter: EventFilter): boolean {
  return filterParameters(filter).size > 0;
}

function filterParameters(filter: EventFilter): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const field of FIELDS) if (filter[field] !== "") parameters.set(field, filter[field]);
  return parameters;
}
