// A list without clusters: since there are none, or since none fits.
import type { ReactNode } from "react";
import { Message } from "../../components/states";
import { Button } from "../../kit";
import { NO_FILTER } from "../../url/listState";
import type { ListControls } from "./useListState";

export function EmptyFleet({ action }: { action: ReactNode }): ReactNode {
  return (
    <Message title="No clusters yet" icon="cluster-host" action={action}>
      Enrol the first one: make a join token here, and run one command on the cluster.
    </Message>
  );
}

export function NothingMatches({ list }: { list: ListControls }): ReactNode {
  return (
    <Message
      title="No cluster matches"
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
      There are clusters, but none that fits the search and the filters.
    </Message>
  );
}
