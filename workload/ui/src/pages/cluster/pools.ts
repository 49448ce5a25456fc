// Sorts and sums up a cluster's storage pools.
import type { StoragePoolUsage } from "../../api/types";

/** The pools sorted by usage, fullest first. Pools of unknown size come last. */
export function fullestFirst(pools: StoragePoolUsage[]): StoragePoolUsage[] {
  return pools.toSorted(
    (a, b) => share(b) - share(a) || a.name.localeCompare(b.name) || a.member.localeCompare(b.member),
  );
}

/** The sum over all pools. A pool that is listed twice counts once, with its fuller entry. */
export function sumOf(pools: StoragePoolUsage[]): { usage: number; total: number } {
  const fullest = new Map<string, StoragePoolUsage>();
  for (const pool of pools) {
    const key = JSON.stringify([pool.name, pool.member]);
    const known = fullest.get(key);
    if (known === undefined || pool.usage > known.usage) fullest.set(key, pool);
  }
  const all = [...fullest.values()];
  return {
    usage: all.reduce((sum, pool) => sum + pool.usage, 0),
    total: all.reduce((sum, pool) => sum + pool.total, 0),
  };
}

function share(pool: StoragePoolUsage): number {
  return pool.total > 0 ? pool.usage / pool.total : -1;
}
