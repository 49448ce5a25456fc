// Addresses of pages. Names can contain any character and are encoded here only.

/** The page of the join tokens. */
export const TOKENS_PATH = "/clusters/tokens";

/** The page of a cluster. */
export function clusterPath(name: string): string {
  return `/cluster/${encodeURIComponent(name)}`;
}

/**
 * The name in the address of a cluster's page; null if it is not a valid encoded name. The router's own parameter
 * cannot be used, because it decodes `%252F` twice.
 */
export function clusterNameIn(pathname: string): string | null {
  const encoded = /^\/cluster\/([^/]+)\/?$/.exec(pathname)?.[1];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

/** The dashboard of a cluster; null if Grafana is not configured or its address is not a web address. */
export function grafanaUrl(base: string, name: string): string | null {
  if (webUrl(base) === null) return null;
  return `${base.replace(/\/+$/, "")}/lxd?orgId=1&var-job=${encodeURIComponent(name)}`;
}

/** The address if it is a web address, else null. Clusters choose theirs, so it could be `javascript:`. */
export function webUrl(address: string): string | null {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}
