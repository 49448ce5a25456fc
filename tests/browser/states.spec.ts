// Each page in each state that is not all well: loading, failing, not permitted, not reachable.
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import { unique } from "./hub";

interface Case {
  what: string;
  path: (name: string) => string;
  /** What the page asks the hub for. */
  asks: RegExp;
  /** What is there when it has it. */
  sign: (page: Page, name: string) => ReturnType<Page["locator"]>;
  loading: string;
}

const CASES: Case[] = [
  {
    what: "the list",
    path: (name) => `/ui/clusters?search=${name}`,
    asks: /\/1\.0\/remote-cluster\?/,
    sign: (page, name) => page.getByRole("link", { name }),
    loading: "Loading the clusters",
  },
  {
    what: "a cluster's page",
    path: (name) => `/ui/cluster/${name}`,
    asks: /\/1\.0\/remote-cluster\/[^?]+$/,
    sign: (page) => page.getByRole("region", { name: "Capacity" }),
    loading: "Loading the cluster",
  },
  {
    what: "the tokens' page",
    path: () => "/ui/clusters/tokens",
    asks: /\/1\.0\/remote-cluster-join-token$/,
    sign: (page) => page.getByRole("table", { name: "Join tokens" }),
    loading: "Loading the tokens",
  },
  {
    what: "the events' page",
    path: () => "/ui/events",
    asks: /\/1\.0\/event\?/,
    sign: (page) => page.getByRole("table", { name: "Events, newest first" }),
    loading: "Loading the events",
  },
  {
    what: "the settings' page",
    path: () => "/ui/settings",
    asks: /\/1\.0\/configuration$/,
    sign: (page) => page.getByRole("table", { name: "General" }),
    loading: "Loading the settings",
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

for (const { what, path, asks, sign, loading } of CASES) {
  test(`${what}: loading, failing, not permitted`, async ({ hub, openAs }) => {
    const name = unique("state");
    await hub.clusters([name]);
    await hub.token(unique("state-token"));
    const page = await openAs("viewer", "/ui/nothing");
    await expect(page.getByText("There is no such page")).toBeVisible();

    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route(asks, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(path(name));
    await expect(page.getByRole("status").filter({ hasText: loading })).toBeVisible();
    await expect(sign(page, name)).toHaveCount(0);
    answer();
    await expect(sign(page, name).first()).toBeVisible();
    await page.unrouteAll({ behavior: "wait" });

    await page.route(asks, (route) => route.fulfill(failure(500, "the shelf fell over")));
    await page.reload();
    await expect(page.getByRole("heading", { name: "This could not be loaded" })).toBeVisible();
    await expect(page.getByText("the shelf fell over")).toBeVisible();
    await page.unrouteAll({ behavior: "wait" });
    const again = page.getByRole("button", { name: "Try again" });
    // The page also tries by itself, and may be quicker.
    await expect(async () => {
      if (await again.isVisible()) await again.click({ timeout: 1000 });
      await expect(sign(page, name).first()).toBeVisible({ timeout: 1000 });
    }).toPass();

    await page.route(asks, (route) => route.fulfill(failure(403, "Forbidden")));
    await page.reload();
    await expect(page.getByRole("heading", { name: "You are not permitted to see this" })).toBeVisible();
    await expect(sign(page, name)).toHaveCount(0);
    await page.unrouteAll({ behavior: "wait" });
  });
}
