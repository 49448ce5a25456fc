// The list's state in the page's address, and the ways to change it.
import { useMemo } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { firstPage, listAddress, parseListState, type ListFilter, type ListState } from "../../url/listState";

export interface ListControls {
  state: ListState;
  /** Another filter, order or size: back to the first page. */
  change: (change: Partial<ListState>, replace?: boolean) => void;
  filterBy: (change: Partial<ListFilter>, replace?: boolean) => void;
  toNextPage: (cursor: string) => void;
  toPreviousPage: () => void;
}

/** The cursors of the pages before this one, kept with the entry of the browser's history. */
interface Trail {
  cursors: (string | null)[];
}

export function useListState(): ListControls {
  const [address] = useSearchParams();
  const navigate = useNavigate();
  const { state: kept } = useLocation() as { state: Partial<Trail> | null };
  const state = useMemo(() => parseListState(address), [address]);
  const cursors = kept?.cursors ?? [];
  const goTo = (next: ListState, trail: Trail | null, replace = false): void => {
    void navigate({ search: listAddress(next).toString() }, { state: trail, replace });
  };
  const change = (part: Partial<ListState>, replace = false): void => {
    goTo(firstPage(state, part), null, replace);
  };
  return {
    state,
    change,
    filterBy: (part, replace = false) => {
      change({ filter: { ...state.filter, ...part } }, replace);
    },
    toNextPage: (cursor) => {
      goTo({ ...state, cursor, page: state.page + 1 }, { cursors: [...cursors, state.cursor] });
    },
    toPreviousPage: () => {
      // Who came by a link has no trail: then there is only the beginning to go back to.
      const before = cursors.at(-1) ?? null;
      const page = before === null ? 1 : state.page - 1;
      goTo({ ...state, cursor: before, page }, { cursors: cursors.slice(0, -1) });
    },
  };
}
