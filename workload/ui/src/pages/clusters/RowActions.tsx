// The menu of a cluster in the list.
import type { ReactNode } from "react";
import type { ClusterActions } from "../../actions/useClusterActions";
import type { ClusterSummary } from "../../api/types";
import { Menu, type MenuItem } from "../../components/Menu";
import { grafanaUrl, webUrl } from "../../url/links";
import { visible } from "../../format/text";

interface Props {
  cluster: ClusterSummary;
  /** Null if the account may not change clusters. */
  actions: ClusterActions | null;
  grafana: string;
}

export function RowActions({ cluster, actions, grafana }: Props): ReactNode {
  const { name } = cluster;
  const links: MenuItem[] = [
    {
      label: "Open LXD UI",
      href: webUrl(cluster.ui_url),
      disabledReason: "The cluster has not reported the address of its UI",
    },
    {
      label: "Metrics",
      href: grafanaUrl(grafana, name),
      disabledReason: "The address of Grafana is not configured",
    },
  ];
  if (actions === null) return <Menu label={`Actions for ${visible(name)}`} items={links} />;
  const configure = (): void => {
    actions.configure({ names: [name] }, cluster);
  };
  const remove = (): void => {
    actions.remove([name]);
  };
  return (
    <Menu
      label={`Actions for ${visible(name)}`}
      items={[{ label: "Configure", onClick: configure }, ...links, { label: "Remove", onClick: remove }]}
    />
  );
}
