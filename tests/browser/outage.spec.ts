import { blockApi, expect, rowOf, search, sendToken, test } from "./fixtures";
import { CuttableProxy } from "./cuttable-proxy";
import { unique } from "./hub";

test("an outage keeps the last data and is retried automatically", async ({ hub, openAs }) => {
  const name = unique("outage");
  await hub.clusters([name]);
  const page = await openAs("viewer", `/ui/clusters?search=${name}`);
  await expect(rowOf(page, name)).toBeVisible();
  await blockApi(page);
  // A new query reveals the outage now instead of at the next poll.
  await search(page).fill(`${name} `);
  await expect(page.getByRole("alert")).toContainText("Cluster Manager cannot be reached.");
  await search(page).fill(name);
  await expect(rowOf(page, name)).toBeVisible();
  await expect(page.getByText(/Out of date, updated/)).toBeVisible();
  await page.unrouteAll();
  await expect(page.getByText("Cluster Manager cannot be reached.")).toHaveCount(0, { timeout: 40_000 });
  await expect(page.getByText(/Live, updated/)).toBeVisible({
    timeout: 40_000,
  });
});

test("an outage does not look like an empty fleet or a sign-out", async ({ openAs, page }) => {
  await blockApi(page);
  await page.goto("/ui/clusters");
  await expect(page.getByRole("heading", { name: "Cluster Manager cannot be reached" })).toBeVisible();
  await expect(page).toHaveURL(/\/ui\/clusters$/);
  await page.unrouteAll();
  await openAs("viewer", "/ui/clusters");
  await expect(page.getByRole("heading", { level: 1, name: "Clusters" })).toBeVisible();
});

test("the network fails on every page and recovers", async ({ hub, page, context, baseURL }) => {
  const name = unique("unplugged");
  await hub.clusters([name], "before");
  await hub.token(unique("unplugged-token"));
  const proxy = await CuttableProxy.to(baseURL ?? "");
  try {
    // Signing in at the provider would return to the hub's own address, bypassing the proxy.
    await sendToken(context, "viewer");
    const pages: [link: string, content: ReturnType<typeof page.locator>][] = [
      ["Join tokens", page.getByRole("table", { name: "Join tokens" })],
      ["Events", page.getByRole("table", { name: "Events, newest first" })],
      ["Settings", page.getByRole("table", { name: "General" })],
    ];
    const banner = page.getByRole("main").getByText("The data shown may be out of date.");
    const navigation = page.getByRole("navigation", { name: "Main" });
    await page.goto(`${proxy.url}/ui/clusters?search=${name}`);
    for (const [link, content] of pages) {
      await navigation.getByRole("link", { name: link }).click();
      await expect(content).toBeVisible();
    }
    await page.goBack();
    await page.goBack();
    await page.goBack();
    await rowOf(page, name).getByRole("link", { name }).click();
    await expect(page.getByRole("region", { name: "Capacity" })).toBeVisible();
    await expect(page.getByText(/Live, updated/)).toBeVisible();

    proxy.cut();
    // The page notices at its next request, which is soon because it polls more often without the stream.
    await expect(banner).toBeVisible({ timeout: 45_000 });
    await expect(page.getByText(/Out of date, updated/)).toBeVisible();
    await expect(page.getByRole("region", { name: "Capacity" })).toBeVisible();
    for (const [link, content] of pages) {
      await navigation.getByRole("link", { name: link }).click();
      await expect(content).toBeVisible();
      await expect(banner).toBeVisible();
    }
    await page.goBack();
    await page.goBack();
    await page.goBack();
    await hub.configure([name], { description: "after" });
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText("before");

    proxy.restore();
    await page.getByRole("button", { name: "Retry now" }).click();
    await expect(banner).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText("after");
    await expect(page.getByText(/Live, updated/)).toBeVisible({ timeout: 45_000 });
  } finally {
    await page.close();
    await proxy.close();
  }
});
