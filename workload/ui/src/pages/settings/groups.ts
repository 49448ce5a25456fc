// Settings in the order in which people look for them.
import type { SettingView } from "../../api/types";

const GROUPS: { title: string; prefixes: string[] }[] = [
  { title: "General", prefixes: ["version", "api_version", "cluster_connector"] },
  { title: "Sign-in", prefixes: ["oidc"] },
  { title: "Database", prefixes: ["db"] },
  { title: "Metrics", prefixes: ["grafana", "prometheus"] },
  { title: "Rate limits", prefixes: ["rate_limit"] },
];
const OTHERS = "Others";

export interface Group {
  title: string;
  entries: [string, SettingView][];
}

/** All of them, each once: what a newer server adds is shown too. */
export function grouped(settings: Record<string, SettingView>): Group[] {
  const entries = Object.entries(settings).toSorted(([a], [b]) => a.localeCompare(b));
  return [...GROUPS.map((group) => group.title), OTHERS]
    .map((title) => ({ title, entries: entries.filter(([key]) => groupOf(key) === title) }))
    .filter((group) => group.entries.length > 0);
}

function groupOf(key: string): string {
  return GROUPS.find((group) => group.prefixes.some((prefix) => key.startsWith(prefix)))?.title ?? OTHERS;
}

/** Whether a value is hidden, wholly or in part. */
export function isMasked(value: string): boolean {
  return value.includes("***");
}
