// The list's state in the page's address, and functions that change it.
import { useEffect, useMemo } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { rememberList } from "../../url/lastList";
import { firstPage, listAddress, parseListState, type ListFilter, type ListState } from "../../url/listState";

export interface ListControls {
  state: ListState;
  /** Changes the filter, order or size, and goes back to the first page. */
  change: (change: Partial<ListState>, replace?: boolean) => void;
  filterBy: (change: Partial<ListFilter>, replace?: boolean) => void;
  toNextPage: (cursor: string) => void;
  toPreviousPage: () => void;
}

/** The cursors of the previous pages, stored in the entry of the browser's history. */
interface Trail {
  cursors: (string | null)[];
}

export function useListState(): ListControls {
  const [address] = useSearchParams();
  const navigate = useNavigate();
  const { state: trail, search } = useLocation() as { state: Partial<Trail> | null; search: string };
  useEffect(() => {
    rememberList(search);
  }, [search]);
  const state = useMemo(() => parseListState(address), [address]);
  const cursors = trail?.cursors ?? [];
  const goTo = (next: ListState, nextTrail: Trail | null, replace = false): void => {
    void navigate({ search: listAddress(next).toString() }, { state: nextTrail, replace });
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
      // A page opened by a link has no trail, so the first page is the only one to go back to.
      const previous = cursors.at(-1) ?? null;
      const page = previous === null ? 1 : state.page - 1;
      goTo({ ...state, cursor: previous, page }, { cursors: cursors.slice(0, -1) });
    },
  };
}
