// The fleet: totals, then the list, worst first.
import { useEffect, type ReactNode } from "react";
import { hasStatus } from "../../api/errors";
import { useClusterPage, useFleetTotals } from "../../api/queries";
import type { ClusterSummary, Page } from "../../api/upcoming";
import { useMay } from "../../app/session";
import { Freshness } from "../../components/Freshness";
import { Loaded } from "../../components/Loaded";
import { PageHeader } from "../../components/PageHeader";
import { Pager } from "../../components/Pager";
import { Skeleton } from "../../components/Skeleton";
import { isFiltered, listQuery, PAGE_SIZES } from "../../url/listState";
import { BulkBar } from "./BulkBar";
import { ClusterTable } from "./ClusterTable";
import { EmptyFleet, NothingMatches } from "./empty";
import { EnrolButton } from "./EnrolButton";
import { Filters } from "./Filters";
import { RowActions } from "./RowActions";
import { Totals } from "./Totals";
import { useListState, type ListControls } from "./useListState";
import { useSelection, type Selection } from "./useSelection";

export function ClustersPage(): ReactNode {
  const list = useListState();
  const page = useClusterPage(listQuery(list.state));
  const totals = useFleetTotals();
  const mayChange = useMay("operator");
  const selection = useSelection();
  useFirstPageInsteadOf(hasStatus(page.error, 400) && list.state.cursor !== null, list);
  return (
    <div className="page">
      <title>Clusters · Cluster Manager</title>
      <PageHeader title="Clusters" freshness={<Freshness query={page} />}>
        <EnrolButton />
      </PageHeader>
      {totals.data !== undefined && totals.data.clusters > 0 && <Totals totals={totals.data} list={list} />}
      <Loaded query={page} loading={<Skeleton rows={10} label="Loading the clusters" />}>
        {(data) => (
          <List
            data={data}
            list={list}
            selection={mayChange ? selection : null}
            isOld={page.isPlaceholderData}
          />
        )}
      </Loaded>
    </div>
  );
}

interface ListProps {
  data: Page<ClusterSummary>;
  list: ListControls;
  selection: Selection | null;
  isOld: boolean;
}

function List({ data, list, selection, isOld }: ListProps): ReactNode {
  const { state } = list;
  const filtered = isFiltered(state.filter);
  if (data.total === 0 && !filtered && !isOld) return <EmptyFleet />;
  return (
    <>
      <Filters list={list} />
      {selection !== null && <BulkBar selection={selection} />}
      {data.items.length === 0 && !isOld ? (
        <NothingMatches list={list} />
      ) : (
        <div aria-busy={isOld} className="list">
          <ClusterTable
            clusters={data.items}
            list={list}
            selection={selection}
            actions={(cluster) => <RowActions cluster={cluster} />}
          />
          <Pager
            page={state.page}
            size={state.size}
            shown={data.items.length}
            total={data.total}
            noun="cluster"
            sizes={PAGE_SIZES}
            nextCursor={data.next_cursor ?? null}
            onNext={list.toNextPage}
            onPrevious={list.toPreviousPage}
            onSize={(size) => {
              list.change({ size });
            }}
          />
        </div>
      )}
    </>
  );
}

/** A cursor of an old link may no longer be understood; the list itself still can be shown. */
function useFirstPageInsteadOf(isRefused: boolean, list: ListControls): void {
  useEffect(() => {
    if (isRefused) list.change({}, true);
  });
}
