// The configuration of a cluster: description and thresholds, editable in place.
import type { ReactNode } from "react";
import { parseThreshold, THRESHOLD_PROBLEM } from "../../actions/thresholds";
import { useConfigureCluster } from "../../api/mutations";
import type { Cluster, ClusterChange } from "../../api/types";
import { EditableText } from "../../components/EditableText";
import { Facts } from "../../components/Facts";
import { textProblem } from "../../format/text";

export function Configuration({ cluster, mayChange }: { cluster: Cluster; mayChange: boolean }): ReactNode {
  const configuration = useConfigureCluster(cluster.name);
  const save = async (change: ClusterChange): Promise<void> => {
    await configuration.mutateAsync(change);
  };
  const threshold = (label: string, value: number, change: (percent: number) => ClusterChange): ReactNode => (
    <EditableText
      label={label}
      value={value.toString()}
      shown={`${value}%`}
      isEditable={mayChange}
      problem={(text) => (parseThreshold(text) == null ? THRESHOLD_PROBLEM : null)}
      onSave={(text) => save(change(Number(text)))}
    />
  );
  return (
    <section className="card" aria-label="Configuration">
      <h2 className="card__title">Configuration</h2>
      <Facts
        facts={[
          [
            "Description",
            <EditableText
              label="description"
              value={cluster.description}
              shown={cluster.description === "" ? "None" : cluster.description}
              isEditable={mayChange}
              isLong
              problem={(text) => textProblem("A description", text.trim(), true)}
              onSave={(description) => save({ description: description.trim() })}
            />,
          ],
          [
            "Storage threshold",
            threshold("storage threshold", cluster.disk_threshold, (percent) => ({
              disk_threshold: percent,
            })),
          ],
          [
            "Memory threshold",
            threshold("memory threshold", cluster.memory_threshold, (percent) => ({
              memory_threshold: percent,
            })),
          ],
        ]}
      />
    </section>
  );
}
