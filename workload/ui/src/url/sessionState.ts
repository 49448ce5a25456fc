// The state of the sessions page in its address.

export interface SessionState {
  /** Everybody's sessions instead of one's own. */
  all: boolean;
  cursor: string | null;
  page: number;
}

export const SESSIONS_PER_PAGE = 50;

export function parseSessionState(address: URLSearchParams): SessionState {
  const cursor = address.get("cursor");
  const page = Number(address.get("page"));
  return {
    all: address.get("all") === "true",
    cursor,
    page: cursor === null ? 1 : Number.isSafeInteger(page) && page > 1 ? page : 2,
  };
}

export function sessionAddress(state: SessionState): URLSearchParams {
  const address = new URLSearchParams();
  if (state.all) address.set("all", "true");
  if (state.cursor !== null) {
    address.set("cursor", state.cursor);
    address.set("page", state.page.toString());
  }
  return address;
}

export function sessionQuery(state: SessionState): string {
  const query = sessionAddress(state);
  query.delete("page");
  query.set("limit", SESSIONS_PER_PAGE.toString());
  return query.toString();
}
