import { carryToken, cutOff, expect, rowOf, search, test } from "./fixtures";
import { unique } from "./hub";
import { Outlet } from "./outlet";

test("an outage keeps the last data, says so, and ends by itself", async ({ hub, openAs }) => {
  const name = unique("outage");
  await hub.clusters([name]);
  const page = await openAs("viewer", `/ui/clusters?search=${name}`);
  await expect(rowOf(page, name)).toBeVisible();
  await cutOff(page);
  // Asks for something else, so that the outage is noticed now and not by the next poll.
  await search(page).fill(`${name} `);
  await expect(page.getByRole("alert")).toContainText("Cluster Manager cannot be reached.");
  await search(page).fill(name);
  await expect(rowOf(page, name)).toBeVisible();
  await expect(page.getByText(/Out of date, from/)).toBeVisible();
  await page.unrouteAll();
  await expect(page.getByText("Cluster Manager cannot be reached.")).toHaveCount(0, { timeout: 40_000 });
  await expect(page.getByText(/Live, updated/)).toBeVisible({
    timeout: 40_000,
  });
});

test("a hub that is away is not an empty fleet, and nobody is signed out", async ({ openAs, page }) => {
  await cutOff(page);
  await page.goto("/ui/clusters");
  await expect(page.getByRole("heading", { name: "Cluster Manager cannot be reached" })).toBeVisible();
  await expect(page).toHaveURL(/\/ui\/clusters$/);
  await page.unrouteAll();
  await openAs("viewer", "/ui/clusters");
  await expect(page.getByRole("heading", { level: 1, name: "Clusters" })).toBeVisible();
});

test("the network fails under all pages, and comes back", async ({ hub, page, context, baseURL }) => {
  const name = unique("unplugged");
  await hub.clusters([name], "before");
  await hub.token(unique("unplugged-token"));
  const outlet = await Outlet.to(baseURL ?? "");
  try {
    // The provider would lead back to the hub itself, past the plug.
    await carryToken(context, "viewer");
    const pages: [link: string, sign: ReturnType<typeof page.locator>][] = [
      ["Tokens", page.getByRole("table", { name: "Join tokens" })],
      ["Events", page.getByRole("table", { name: "Events, newest first" })],
      ["Settings", page.getByRole("table", { name: "General" })],
    ];
    const banner = page.getByRole("main").getByText("What you see may be out of date.");
    const navigation = page.getByRole("navigation", { name: "Main" });
    await page.goto(`${outlet.url}/ui/clusters?search=${name}`);
    for (const [link, sign] of pages) {
      await navigation.getByRole("link", { name: link }).click();
      await expect(sign).toBeVisible();
    }
    await page.goBack();
    await page.goBack();
    await page.goBack();
    await rowOf(page, name).getByRole("link", { name }).click();
    await expect(page.getByRole("region", { name: "Capacity" })).toBeVisible();
    await expect(page.getByText(/Live, updated/)).toBeVisible();

    outlet.pull();
    // Noticed when the page next asks, which it does more often once the stream of changes is cut.
    await expect(banner).toBeVisible({ timeout: 45_000 });
    await expect(page.getByText(/Out of date, from/)).toBeVisible();
    await expect(page.getByRole("region", { name: "Capacity" })).toBeVisible();
    for (const [link, sign] of pages) {
      await navigation.getByRole("link", { name: link }).click();
      await expect(sign).toBeVisible();
      await expect(banner).toBeVisible();
    }
    await page.goBack();
    await page.goBack();
    await page.goBack();
    await hub.configure([name], { description: "after" });
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText("before");

    outlet.plugIn();
    await page.getByRole("button", { name: "Try now" }).click();
    await expect(banner).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText("after");
    await expect(page.getByText(/Live, updated/)).toBeVisible({ timeout: 45_000 });
  } finally {
    await page.close();
    await outlet.close();
  }
});
