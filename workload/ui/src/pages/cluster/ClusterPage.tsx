// The page of one cluster: its warnings, with advice, and everything it reports.
import type { ReactNode } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { useClusterActions, type ClusterActions } from "../../actions/useClusterActions";
import { useCluster, useConfiguration } from "../../api/queries";
import type { Cluster } from "../../api/types";
import { useMay } from "../../app/session";
import { Doughnut } from "../../components/Doughnut";
import { Freshness } from "../../components/Freshness";
import { Loaded } from "../../components/Loaded";
import { PageHeader } from "../../components/PageHeader";
import { Skeleton } from "../../components/Skeleton";
import { Message, MissingPage } from "../../components/states";
import { Button } from "../../kit";
import { lastListPath } from "../../url/lastList";
import { clusterNameIn, grafanaUrl, webUrl } from "../../url/links";
import { Capacity } from "./Capacity";
import { Certificate } from "./Certificate";
import { Configuration } from "./Configuration";
import { History } from "./History";
import { Liveness } from "./Liveness";
import { Warnings } from "./Warnings";
import { visible } from "../../format/text";

export function ClusterPage(): ReactNode {
  const name = clusterNameIn(useLocation().pathname);
  return name === null ? <MissingPage /> : <NamedCluster key={name} name={name} />;
}

function NamedCluster({ name }: { name: string }): ReactNode {
  const query = useCluster(name);
  const navigate = useNavigate();
  const mayChange = useMay("operator");
  const actions = useClusterActions(() => void navigate(lastListPath()));
  return (
    <div className="page">
      <title>{`${visible(name)} · Cluster Manager`}</title>
      <nav aria-label="Breadcrumbs" className="breadcrumbs">
        <Link to={lastListPath()}>Clusters</Link>
      </nav>
      <PageHeader title={<bdi>{visible(name)}</bdi>} freshness={<Freshness query={query} />}>
        {query.data !== undefined && <Actions cluster={query.data} actions={mayChange ? actions : null} />}
      </PageHeader>
      <Loaded
        query={query}
        loading={<Skeleton rows={6} label="Loading cluster" />}
        missing={<MissingCluster name={name} />}
      >
        {(cluster) => <Details cluster={cluster} mayChange={mayChange} />}
      </Loaded>
      {actions.view}
    </div>
  );
}

function Details({ cluster, mayChange }: { cluster: Cluster; mayChange: boolean }): ReactNode {
  return (
    <>
      <Warnings warnings={cluster.warnings} name={cluster.name} />
      <div className="cards">
        <Liveness cluster={cluster} />
        <Configuration cluster={cluster} mayChange={mayChange} />
        <Doughnut title="Members" noun="member" statuses={cluster.member_statuses} />
        <Doughnut title="Instances" noun="instance" statuses={cluster.instance_statuses} />
        {cluster.ceph_count > 0 && (
          <Doughnut title="Ceph services" noun="service" statuses={cluster.ceph_statuses} />
        )}
        <Certificate certificate={cluster.certificate} />
        <Capacity cluster={cluster} />
        <History name={cluster.name} />
      </div>
    </>
  );
}

function Actions({ cluster, actions }: { cluster: Cluster; actions: ClusterActions | null }): ReactNode {
  const grafana = useConfiguration().data?.grafana_base_url?.value ?? "";
  return (
    <>
      {actions !== null && (
        <Button
          onClick={() => {
            actions.configure({ names: [cluster.name] }, cluster);
          }}
        >
          Configure
        </Button>
      )}
      <ExternalLink href={webUrl(cluster.ui_url)} label="Open LXD UI" />
      <ExternalLink href={grafanaUrl(grafana, cluster.name)} label="Metrics" />
      <Link className="p-button" to={`/events?cluster=${encodeURIComponent(cluster.name)}`}>
        Events
      </Link>
      {actions !== null && (
        <Button
          appearance="negative"
          onClick={() => {
            actions.remove([cluster.name]);
          }}
        >
          Remove
        </Button>
      )}
    </>
  );
}

function ExternalLink({ href, label }: { href: string | null; label: string }): ReactNode {
  if (href === null) return null;
  return (
    <a className="p-button has-icon" href={href} target="_blank" rel="noreferrer">
      <span>{label}</span> <i className="p-icon--external-link" aria-hidden="true" />
      <span className="u-off-screen">(opens in a new tab)</span>
    </a>
  );
}

function MissingCluster({ name }: { name: string }): ReactNode {
  return (
    <Message
      title="Cluster not found"
      icon="help"
      action={<Link to={`/events?cluster=${encodeURIComponent(name)}`}>View events for this name</Link>}
    >
      There is no cluster named <bdi>{visible(name)}</bdi>. It may have been removed or enrolled under another
      name.
    </Message>
  );
}
