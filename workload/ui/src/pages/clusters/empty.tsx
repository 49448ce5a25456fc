// An empty list: there are no clusters, or none matches.
import type { ReactNode } from "react";
import { Message } from "../../components/states";
import { Button } from "../../kit";
import { NO_FILTER } from "../../url/listState";
import type { ListControls } from "./useListState";

export function EmptyFleet({ action }: { action: ReactNode }): ReactNode {
  return (
    <Message title="No clusters yet" icon="cluster-host" action={action}>
      Enrol the first one: create a join token here, then run one command on the cluster.
    </Message>
  );
}

export function NothingMatches({ list }: { list: ListControls }): ReactNode {
  return (
    <Message
      title="No matching clusters"
      icon="search"
      action={
        <Button
          onClick={() => {
            list.change({ filter: NO_FILTER });
          }}
        >
          Clear search and filters
        </Button>
      }
    >
      No cluster matches the search and filters.
    </Message>
  );
}
