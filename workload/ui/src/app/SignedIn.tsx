// The frame of all pages that need a session: provides the account or shows why there is none.
import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { hasStatus } from "../api/errors";
import { LiveUpdates } from "../api/live";
import { useMe } from "../api/queries";
import { useOutage } from "../api/reachability";
import { GroupsLeftOut, NotPermitted, Unreachable } from "../components/states";
import { PageSkeleton } from "../components/Skeleton";
import { reachability } from "./queryClient";
import { roleOf, Session } from "./session";
import { SessionEnded } from "./SessionEnded";
import { Shell } from "./Shell";

export function SignedIn(): ReactNode {
  const me = useMe();
  const outage = useOutage(reachability);
  const { pathname, search } = useLocation();
  const isSignedOut = hasStatus(me.error, 401);
  if (me.data === undefined) {
    if (isSignedOut) {
      return <Navigate to={`/login?next=${encodeURIComponent(`/ui${pathname}${search}`)}`} replace />;
    }
    return <main>{outage === null ? <PageSkeleton /> : <Unreachable isPage />}</main>;
  }
  const body = roleOf(me.data) === null ? <NoRole groupsLeftOut={me.data.groups_left_out === true} /> : null;
  return (
    <Session value={me.data}>
      {body === null ? (
        <LiveUpdates>
          <Shell />
        </LiveUpdates>
      ) : (
        <Shell>{body}</Shell>
      )}
      {isSignedOut && <SessionEnded />}
    </Session>
  );
}

function NoRole({ groupsLeftOut }: { groupsLeftOut: boolean }): ReactNode {
  return groupsLeftOut ? <GroupsLeftOut /> : <NotPermitted isPage />;
}
