// The data of a query, or the state that replaces it. Data that was loaded stays visible when a later request fails.
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
  /** The data of an earlier query. It stays visible if the present query fails in an outage. */
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
      title="Loading failed"
      icon="error"
      action={<Button onClick={() => void query.refetch()}>Retry</Button>}
    >
      {explain(error)}
    </Message>
  );
}
