// Advice for each kind of warning.
import type { WarningKind } from "../../api/types";
import { lookUp } from "../../api/words";

const ADVICE: Record<WarningKind, string> = {
  heartbeat:
    "Check that the cluster's members are running and can reach Cluster Manager's connector over the network. The cluster itself may still be running.",
  members: "Open LXD UI and bring the member back online, or finish its maintenance.",
  ceph: "Check the health of Ceph on the cluster and that the machines of its services are running.",
  storage:
    "Free space in the pool, add disks or move instances elsewhere. If this usage is expected, raise the threshold.",
  memory: "Stop or move instances, or add a member. If this usage is expected, raise the threshold.",
  instances: "Open LXD UI and check the instance's log.",
  certificate: "Renew the cluster's certificate, then re-enrol the cluster with a new join token.",
  report:
    "Everything else in the report is stored. Update the cluster's software, or report this as a fault of it.",
  metrics:
    "Relay less of the cluster's metrics with rules, or give Cluster Manager more memory for them. The cluster itself is fine.",
};

export function adviceFor(kind: string): string {
  return lookUp(ADVICE, kind) ?? "Check the cluster itself.";
}
