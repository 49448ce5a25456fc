// Each page while it loads, after a failure and without permission.
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { unique } from "./hub";

interface Case {
  title: string;
  path: (name: string) => string;
  /** The URL of the page's request to the hub. */
  url: RegExp;
  /** Visible when the page has loaded. */
  content: (page: Page, name: string) => ReturnType<Page["locator"]>;
  loading: string;
}

const CASES: Case[] = [
  {
    title: "the list",
    path: (name) => `/ui/clusters?search=${name}`,
    url: /\/1\.0\/remote-cluster\?/,
    content: (page, name) => page.getByRole("link", { name }),
    loading: "Loading clusters",
  },
  {
    title: "a cluster's page",
    path: (name) => `/ui/cluster/${name}`,
    url: /\/1\.0\/remote-cluster\/[^?]+$/,
    content: (page) => page.getByRole("region", { name: "Capacity" }),
    loading: "Loading cluster",
  },
  {
    title: "the page of join tokens",
    path: () => "/ui/clusters/tokens",
    url: /\/1\.0\/remote-cluster-join-token$/,
    content: (page) => page.getByRole("table", { name: "Join tokens" }),
    loading: "Loading join tokens",
  },
  {
    title: "the page of events",
    path: () => "/ui/events",
    url: /\/1\.0\/event\?/,
    content: (page) => page.getByRole("table", { name: "Events, newest first" }),
    loading: "Loading events",
  },
  {
    title: "the settings page",
    path: () => "/ui/settings",
    url: /\/1\.0\/configuration$/,
    content: (page) => page.getByRole("table", { name: "General" }),
    loading: "Loading settings",
  },
];

const failure = (status: number, error: string): object => ({
  status,
  contentType: "application/json",
  body: JSON.stringify({
    type: "error",
    status: "",
    status_code: 0,
    operation: "",
    error_code: status,
    error,
    metadata: null,
  }),
});

for (const { title, path, url, content, loading } of CASES) {
  test(`${title}: loading, failing, not permitted`, async ({ hub, openAs }) => {
    const name = unique("state");
    await hub.clusters([name]);
    await hub.token(unique("state-token"));
    const page = await openAs("viewer", "/ui/nothing");
    await expect(page.getByText("Page not found")).toBeVisible();

    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(url, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(path(name));
    await expect(page.getByRole("status").filter({ hasText: loading })).toBeVisible();
    await expect(content(page, name)).toHaveCount(0);
    release();
    await expect(content(page, name).first()).toBeVisible();
    await page.unrouteAll({ behavior: "wait" });

    await page.route(url, (route) => route.fulfill(failure(500, "the disk is full")));
    await page.reload();
    await expect(page.getByRole("heading", { name: "Loading failed" })).toBeVisible();
    await expect(page.getByText("the disk is full")).toBeVisible();
    await page.unrouteAll({ behavior: "wait" });
    const retry = page.getByRole("button", { name: "Retry", exact: true });
    // The page also retries automatically and may be faster.
    await expect(async () => {
      if (await retry.isVisible()) await retry.click({ timeout: 1000 });
      await expect(content(page, name).first()).toBeVisible({ timeout: 1000 });
    }).toPass();

    await page.route(url, (route) => route.fulfill(failure(403, "Forbidden")));
    await page.reload();
    await expect(
      page.getByRole("heading", { name: "You do not have permission to view this" }),
    ).toBeVisible();
    await expect(content(page, name)).toHaveCount(0);
    await page.unrouteAll({ behavior: "wait" });
  });
}
