// Types of the API that its description does not hold yet, as the server has them.
import type { Health, StoragePoolUsage, Warning } from "./types";

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total: number;
}

export interface ClusterSummary {
  name: string;
  uid: string;
  description: string;
  health: Health;
  last_heartbeat_at?: string | null;
  joined_at: string;
  member_count: number;
  members_not_online: number;
  instance_count: number;
  instances_running: number;
  cpu_total_count: number;
  cpu_load_1: string;
  cpu_load_5: string;
  cpu_load_15: string;
  memory_total_amount: number;
  memory_usage: number;
  storage_total: number;
  storage_usage: number;
  fullest_storage_pool?: StoragePoolUsage | null;
  disk_threshold: number;
  memory_threshold: number;
  warnings: Warning[];
  ui_url: string;
  tunnel_registered: boolean;
  certificate_not_after: string;
}

export interface FleetTotals {
  as_of: string;
  is_hub_outage: boolean;
  clusters: number;
  health: { fresh: number; late: number; lost: number };
  warnings: { kind: string; severity: string; clusters: number }[];
  member_statuses: { status: string; count: number }[];
  instance_statuses: { status: string; count: number }[];
  memory_total_amount: number;
  memory_usage: number;
  storage_total: number;
  storage_usage: number;
}

export interface Event {
  id: number;
  at: string;
  action: string;
  actor: { kind: string; id: string; name: string };
  cluster_name: string | null;
  cluster_uid: string | null;
  subject: string | null;
  before: unknown;
  after: unknown;
  address: string | null;
  request_id: string | null;
  count: number;
  sealed: boolean;
}
