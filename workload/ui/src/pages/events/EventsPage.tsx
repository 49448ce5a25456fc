// The audit trail: changes, sign-ins and refusals.
import type { ReactNode } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { TOKENS_AND_EVENTS_POLL_INTERVAL_MS, useEventPage } from "../../api/queries";
import { Freshness } from "../../components/Freshness";
import { Loaded } from "../../components/Loaded";
import { PageHeader } from "../../components/PageHeader";
import { Pager } from "../../components/Pager";
import { Skeleton } from "../../components/Skeleton";
import { Message } from "../../components/states";
import { useLastData } from "../../components/useLastData";
import { Button } from "../../kit";
import {
  eventAddress,
  eventQuery,
  EVENTS_PER_PAGE,
  hasEventFilter,
  NO_EVENT_FILTER,
  parseEventState,
  type EventFilter,
  type EventState,
} from "../../url/eventState";
import { EventFilters } from "./EventFilters";
import { EventTable } from "./EventTable";

export function EventsPage(): ReactNode {
  const { state, filterBy, toNext, toPrevious } = useEventState();
  const query = useEventPage(eventQuery(state));
  const last = useLastData(query);
  const isStale = query.isPlaceholderData || query.data === undefined;
  return (
    <div className="page">
      <title>Events · Cluster Manager</title>
      <PageHeader
        title="Events"
        freshness={
          <Freshness query={query} lastAt={last.at} pollIntervalMs={TOKENS_AND_EVENTS_POLL_INTERVAL_MS} />
        }
      />
      <EventFilters filter={state.filter} onChange={filterBy} />
      <Loaded query={query} last={last.data} loading={<Skeleton rows={10} label="Loading events" />}>
        {(page) =>
          page.items.length === 0 && !isStale ? (
            <NoEvents
              isFiltered={hasEventFilter(state.filter)}
              onClear={() => {
                filterBy(NO_EVENT_FILTER);
              }}
            />
          ) : (
            <div className="list" aria-busy={isStale}>
              <EventTable events={page.items} />
              <Pager
                page={state.page}
                size={EVENTS_PER_PAGE}
                shown={isStale ? null : page.items.length}
                total={page.total}
                noun="event"
                nextCursor={page.next_cursor ?? null}
                onNext={toNext}
                onPrevious={toPrevious}
              />
            </div>
          )
        }
      </Loaded>
    </div>
  );
}

function NoEvents({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }): ReactNode {
  if (!isFiltered) return <Message title="No events yet" icon="status" />;
  return (
    <Message
      title="No matching events"
      icon="search"
      action={<Button onClick={onClear}>Clear search and filters</Button>}
    >
      No event matches the filters.
    </Message>
  );
}

function useEventState(): {
  state: EventState;
  filterBy: (change: Partial<EventFilter>) => void;
  toNext: (cursor: string) => void;
  toPrevious: () => void;
} {
  const [address] = useSearchParams();
  const navigate = useNavigate();
  const { state: trail } = useLocation() as { state: { cursors?: (string | null)[] } | null };
  const cursors = trail?.cursors ?? [];
  const state = parseEventState(address);
  const goTo = (next: EventState, nextCursors: (string | null)[]): void => {
    void navigate({ search: eventAddress(next).toString() }, { state: { cursors: nextCursors } });
  };
  return {
    state,
    filterBy: (change) => {
      goTo({ filter: { ...state.filter, ...change }, cursor: null, page: 1 }, []);
    },
    toNext: (cursor) => {
      goTo({ ...state, cursor, page: state.page + 1 }, [...cursors, state.cursor]);
    },
    toPrevious: () => {
      const previous = cursors.at(-1) ?? null;
      goTo(
        { ...state, cursor: previous, page: previous === null ? 1 : state.page - 1 },
        cursors.slice(0, -1),
      );
    },
  };
}
