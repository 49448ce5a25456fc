// Addresses of pages. Names hold anything, so they are encoded here and nowhere else.

/** The page of a cluster. */
export function clusterPath(name: string): string {
  return `/cluster/${encodeURIComponent(name)}`;
}

/**
 * The name in the address of a cluster's page. The router's own parameter would not do: it decodes `%252F` twice.
 * Null: the address is no encoded name.
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

/** The dashboard of a cluster. Null: there is no Grafana, or its address is none that a page may link to. */
export function grafanaUrl(base: string, name: string): string | null {
  if (webUrl(base) === null) return null;
  return `${base.replace(/\/+$/, "")}/lxd?orgId=1&var-job=${encodeURIComponent(name)}`;
}

/** An address that may become a link: a site says what it likes, `javascript:` for example. */
export function webUrl(address: string): string | null {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}
