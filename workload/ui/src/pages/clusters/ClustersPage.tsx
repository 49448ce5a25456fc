// The fleet: totals, then the list of clusters.
import { useEffect, type ReactNode } from "react";
import { useClusterActions, type ClusterActions } from "../../actions/useClusterActions";
import { useEnrolment } from "../../actions/useEnrolment";
import { hasStatus } from "../../api/errors";
import { useClusterPage, useConfiguration, useFleetTotals } from "../../api/queries";
import type { ClusterSummary, Page } from "../../api/types";
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
import { Filters } from "./Filters";
import { HubOutage } from "./HubOutage";
import { RowActions } from "./RowActions";
import { Totals } from "./Totals";
import { useListState, type ListControls } from "./useListState";
import { useLastData } from "../../components/useLastData";
import { useSelection, type Selection } from "../../components/useSelection";

export function ClustersPage(): ReactNode {
  const list = useListState();
  const page = useClusterPage(listQuery(list.state));
  const last = useLastData(page);
  const totals = useFleetTotals();
  const mayChange = useMay("operator");
  const selection = useSelection();
  const actions = useClusterActions((removed) => {
    selection.setAll(removed, false);
  });
  const enrolment = useEnrolment();
  // The data shown belongs to the previous query.
  const isStale = page.isPlaceholderData || page.data === undefined;
  useFirstPageIf(hasStatus(page.error, 400) && list.state.cursor !== null, list);
  return (
    <div className="page">
      <title>Clusters · Cluster Manager</title>
      <PageHeader title="Clusters" freshness={<Freshness query={page} lastAt={last.at} />}>
        {enrolment.button}
      </PageHeader>
      {totals.data?.is_hub_outage === true && <HubOutage />}
      {totals.data !== undefined && totals.data.clusters > 0 && <Totals totals={totals.data} list={list} />}
      <Loaded query={page} last={last.data} loading={<Skeleton rows={10} label="Loading clusters" />}>
        {(data) =>
          data.total === 0 && !isFiltered(list.state.filter) && !isStale ? (
            <EmptyFleet action={enrolment.button} />
          ) : (
            <List
              data={data}
              list={list}
              change={mayChange ? { selection, actions } : null}
              isStale={isStale}
            />
          )
        }
      </Loaded>
      {actions.view}
      {enrolment.view}
    </div>
  );
}

interface ListProps {
  data: Page<ClusterSummary>;
  list: ListControls;
  /** Null if the account may not change clusters. */
  change: { selection: Selection; actions: ClusterActions } | null;
  isStale: boolean;
}

function List({ data, list, change, isStale }: ListProps): ReactNode {
  const { state } = list;
  const grafana = useConfiguration().data?.grafana_base_url?.value ?? "";
  return (
    <>
      <Filters list={list} />
      {change !== null && <BulkBar {...change} filter={state.filter} total={data.total} />}
      {data.items.length === 0 && !isStale ? (
        <NothingMatches list={list} />
      ) : (
        <div aria-busy={isStale} className="list">
          <ClusterTable
            clusters={data.items}
            list={list}
            selection={change?.selection ?? null}
            actions={(cluster) => (
              <RowActions cluster={cluster} actions={change?.actions ?? null} grafana={grafana} />
            )}
          />
          <Pager
            page={state.page}
            size={state.size}
            shown={isStale ? null : data.items.length}
            total={data.total}
            noun="cluster"
            sizes={{
              offered: PAGE_SIZES,
              onChange: (size) => {
                list.change({ size });
              },
            }}
            nextCursor={data.next_cursor ?? null}
            onNext={list.toNextPage}
            onPrevious={list.toPreviousPage}
          />
        </div>
      )}
    </>
  );
}

/** The hub may refuse the cursor of an old link. The list is then shown from its first page. */
function useFirstPageIf(isRefused: boolean, list: ListControls): void {
  useEffect(() => {
    if (isRefused) list.change({}, true);
  });
}
