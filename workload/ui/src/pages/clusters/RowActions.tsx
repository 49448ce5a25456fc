// What can be done with one cluster of the list.
import type { ReactNode } from "react";
import type { ClusterActions } from "../../actions/useClusterActions";
import type { ClusterSummary } from "../../api/types";
import { Menu, type MenuItem } from "../../components/Menu";
import { grafanaUrl, webUrl } from "../../url/links";

interface Props {
  cluster: ClusterSummary;
  /** None: the person may change nothing. */
  actions: ClusterActions | null;
  grafana: string;
}

export function RowActions({ cluster, actions, grafana }: Props): ReactNode {
  const { name } = cluster;
  const links: MenuItem[] = [
    { label: "Open LXD UI", href: webUrl(cluster.ui_url) },
    { label: "Metrics", href: grafanaUrl(grafana, name) },
  ];
  if (actions === null) return <Menu label={`Actions for ${name}`} items={links} />;
  const configure = (): void => {
    actions.configure({ names: [name] }, cluster);
  };
  const remove = (): void => {
    actions.remove([name]);
  };
  return (
    <Menu
      label={`Actions for ${name}`}
      items={[{ label: "Configure", onClick: configure }, ...links, { label: "Remove", onClick: remove }]}
    />
  );
}
