// The sessions of the account, or for an administrator those of everybody.
import { useState, type ReactNode } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";
import { useEndSession } from "../../api/mutations";
import { TOKENS_AND_EVENTS_POLL_INTERVAL_MS, useSessionPage } from "../../api/queries";
import type { Session } from "../../api/types";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { ErrorNote } from "../../components/ErrorNote";
import { Freshness } from "../../components/Freshness";
import { Loaded } from "../../components/Loaded";
import { PageHeader } from "../../components/PageHeader";
import { Pager } from "../../components/Pager";
import { Skeleton } from "../../components/Skeleton";
import { Message } from "../../components/states";
import { useLastData } from "../../components/useLastData";
import { ActionButton, Button } from "../../kit";
import {
  parseSessionState,
  sessionAddress,
  sessionQuery,
  SESSIONS_PER_PAGE,
  type SessionState,
} from "../../url/sessionState";
import { browserWords } from "./browser";
import { nameOf, SessionTable } from "./SessionTable";

export function SessionsPage(): ReactNode {
  const { state, showAll, toNext, toPrevious } = useSessionState();
  const query = useSessionPage(sessionQuery(state));
  const last = useLastData(query);
  const isAdmin = useMay("admin");
  const isStale = query.isPlaceholderData || query.data === undefined;
  const [ending, setEnding] = useState<Session | null>(null);
  return (
    <div className="page">
      <title>Sessions · Cluster Manager</title>
      <PageHeader
        title="Sessions"
        freshness={
          <Freshness query={query} lastAt={last.at} pollIntervalMs={TOKENS_AND_EVENTS_POLL_INTERVAL_MS} />
        }
      >
        {isAdmin && <Scope all={state.all} onChange={showAll} />}
      </PageHeader>
      <Loaded query={query} last={last.data} loading={<Skeleton rows={4} label="Loading sessions" />}>
        {(page) =>
          page.items.length === 0 && !isStale ? (
            <Message title="No sessions" icon="user">
              {state.all ? "No browser sessions." : "This account is not signed in with a browser."}
            </Message>
          ) : (
            <div className="list" aria-busy={isStale}>
              <SessionTable sessions={page.items} showsPeople={state.all} onEnd={setEnding} />
              <Pager
                page={state.page}
                size={SESSIONS_PER_PAGE}
                shown={isStale ? null : page.items.length}
                total={page.total}
                noun="session"
                nextCursor={page.next_cursor ?? null}
                onNext={toNext}
                onPrevious={toPrevious}
              />
            </div>
          )
        }
      </Loaded>
      {ending !== null && (
        <EndDialog
          session={ending}
          onClose={() => {
            setEnding(null);
          }}
        />
      )}
    </div>
  );
}

function Scope({ all, onChange }: { all: boolean; onChange: (all: boolean) => void }): ReactNode {
  return (
    <label className="sessions__scope">
      <span>Show</span>
      <select
        value={all ? "all" : "own"}
        onChange={(event) => {
          onChange(event.target.value === "all");
        }}
      >
        <option value="own">Your sessions</option>
        <option value="all">All sessions</option>
      </select>
    </label>
  );
}

function EndDialog({ session, onClose }: { session: Session; onClose: () => void }): ReactNode {
  const end = useEndSession();
  return (
    <Dialog
      title="End session?"
      onClose={onClose}
      buttons={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <ActionButton
            appearance="negative"
            loading={end.isPending}
            onClick={() => {
              end.mutate(session.id, { onSuccess: onClose });
            }}
          >
            End session
          </ActionButton>
        </>
      }
    >
      <ErrorNote error={end.error} title="Ending the session failed" />
      <p>
        <bdi>{nameOf(session)}</bdi> is signed out of Cluster Manager in this browser:{" "}
        <bdi>{browserWords(session.user_agent)}</bdi>
        {session.address != null && `, ${session.address}`}.
        {session.current && " This is the session that you are using now."}
      </p>
      <p>
        The identity provider may sign them in again. To keep somebody out, disable their account there first.
      </p>
    </Dialog>
  );
}

function useSessionState(): {
  state: SessionState;
  showAll: (all: boolean) => void;
  toNext: (cursor: string) => void;
  toPrevious: () => void;
} {
  const [address] = useSearchParams();
  const navigate = useNavigate();
  const { state: trail } = useLocation() as { state: { cursors?: (string | null)[] } | null };
  const cursors = trail?.cursors ?? [];
  const state = parseSessionState(address);
  const goTo = (next: SessionState, nextCursors: (string | null)[]): void => {
    void navigate({ search: sessionAddress(next).toString() }, { state: { cursors: nextCursors } });
  };
  return {
    state,
    showAll: (all) => {
      goTo({ all, cursor: null, page: 1 }, []);
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
