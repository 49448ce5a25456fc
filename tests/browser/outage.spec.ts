import type { Page } from "@playwright/test";
import { expect, rowOf, search, test } from "./fixtures";
import { unique } from "./hub";

async function cutOff(page: Page): Promise<void> {
  await page.route("**/1.0/**", (route) => route.abort());
  await page.route("**/1.0", (route) => route.abort());
}

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

test("an error of the hub is shown as one, with another try", async ({ openAs, page }) => {
  let fails = true;
  await page.route("**/1.0/event?*", (route) =>
    fails
      ? route.fulfill({
          status: 500,
          contentType: "application/json",
          body: '{"type":"error","status":"","status_code":0,"operation":"","error_code":500,"error":"Internal Server Error","metadata":null}',
        })
      : route.continue(),
  );
  await openAs("viewer", "/ui/events");
  await expect(page.getByRole("heading", { name: "This could not be loaded" })).toBeVisible();
  const again = page.getByRole("button", { name: "Try again" });
  await expect(again).toBeVisible();
  fails = false;
  // The page also tries by itself, and may be quicker.
  const table = page.getByRole("table", { name: "Events, newest first" });
  await expect(async () => {
    if (await again.isVisible()) await again.click({ timeout: 1000 });
    await expect(table).toBeVisible({ timeout: 1000 });
  }).toPass();
});
