// Groups settings by topic.
import type { SettingView } from "../../api/types";

const GROUPS: { title: string; prefixes: string[] }[] = [
  { title: "General", prefixes: ["version", "api_version", "cluster_connector"] },
  { title: "Sign-in", prefixes: ["oidc"] },
  { title: "Database", prefixes: ["db"] },
  { title: "Metrics", prefixes: ["grafana", "prometheus"] },
  { title: "Rate limits", prefixes: ["rate_limit"] },
];
const OTHER = "Other";

export interface Group {
  title: string;
  entries: [string, SettingView][];
}

/** All settings, each in one group. Settings that a newer hub adds are in the last group. */
export function grouped(settings: Record<string, SettingView>): Group[] {
  const entries = Object.entries(settings).toSorted(([a], [b]) => a.localeCompare(b));
  return [...GROUPS.map((group) => group.title), OTHER]
    .map((title) => ({ title, entries: entries.filter(([key]) => groupOf(key) === title) }))
    .filter((group) => group.entries.length > 0);
}

function groupOf(key: string): string {
  return GROUPS.find((group) => group.prefixes.some((prefix) => key.startsWith(prefix)))?.title ?? OTHER;
}

/** Whether a value is masked, completely or in part. */
export function isMasked(value: string): boolean {
  return value.includes("***");
}
