// What to do about each kind of warning.

const ADVICE: Record<string, string> = {
  heartbeat:
    "Check that the cluster's members run and reach Cluster Manager's connector over the network. The cluster itself may well be fine.",
  members: "Open the LXD UI and bring the member back, or finish its maintenance.",
  ceph: "Check the health of Ceph on the cluster, and that the machines of its services run.",
  storage:
    "Free space in the pool, add disks, or move instances elsewhere; or raise the threshold where this is meant.",
  memory: "Stop or move instances, or add a member; or raise the threshold where this is meant.",
  instances: "Open the LXD UI and look at the instance's log.",
  certificate: "Renew the cluster's certificate on the cluster, then let it join again.",
};

export function adviceFor(kind: string): string {
  return ADVICE[kind] ?? "Look at the cluster itself.";
}
