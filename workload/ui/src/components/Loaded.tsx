// An answer, or what there is to see instead of it. Data that is there stays, whatever happens to the next request.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { explain, hasStatus, isOutage } from "../api/errors";
import { useOutage } from "../api/reachability";
import { reachability } from "../app/queryClient";
import { Button } from "../kit";
import { Message, NotPermitted, Unreachable } from "./states";

interface Props<T> {
  query: UseQueryResult<T>;
  loading: ReactNode;
  missing?: ReactNode;
  /** What was shown before something else was asked for: it stays where that cannot be answered. */
  last?: T | undefined;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, loading, missing, last, children }: Props<T>): ReactNode {
  const outage = useOutage(reachability);
  const { data, error } = query;
  if (missing !== undefined && hasStatus(error, 404)) return missing;
  if (hasStatus(error, 403)) return <NotPermitted />;
  if (data !== undefined) return children(data);
  if (error === null || hasStatus(error, 401)) return loading;
  if (isOutage(error) && last !== undefined) return children(last);
  if (isOutage(error)) return outage === null ? loading : <Unreachable />;
  return (
    <Message
      title="This could not be loaded"
      icon="error"
      action={<Button onClick={() => void query.refetch()}>Try again</Button>}
    >
      {explain(error)}
    </Message>
  );
}
