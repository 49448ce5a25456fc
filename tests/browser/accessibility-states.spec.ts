// Accessibility of the messages that replace a page, and of pages with stale data, open editors and failures.
import { blockApi, expect, expectAccessible, rowOf, search, test } from "./fixtures";
import { unique } from "./hub";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("axe finds no problem in an outage, without permission or after the session has ended", async ({
      openAs,
      page,
      context,
    }) => {
      await blockApi(page);
      await page.goto("/ui/clusters");
      await expect(page.getByRole("heading", { name: "Cluster Manager cannot be reached" })).toBeVisible();
      await expectAccessible(page);
      await page.unrouteAll();

      await openAs("nobody", "/ui/settings");
      await expect(
        page.getByRole("heading", { name: "You do not have permission to view this" }),
      ).toBeVisible();
      await expectAccessible(page);

      await context.clearCookies();
      await openAs("viewer", "/ui/settings");
      await expect(page.getByRole("table", { name: "General" })).toBeVisible();
      await context.clearCookies();
      await page.getByRole("link", { name: "Join tokens" }).click();
      await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
      await expectAccessible(page);
    });

    test("axe finds no problem in stale data, editors and failures", async ({ hub, openAs }) => {
      const [name, gone] = [unique("edited"), unique("gone")];
      await hub.clusters([name, gone]);
      const page = await openAs("operator", `/ui/cluster/${name}`);
      await page.getByRole("button", { name: "Edit description" }).click();
      await page.getByRole("button", { name: "Edit memory threshold" }).click();
      await page.getByRole("textbox", { name: "memory threshold" }).fill("101");
      await expect(page.getByText("Enter a whole number from 0 to 100.")).toBeVisible();
      await expectAccessible(page);

      await page.goto(`/ui/clusters?search=${gone}`);
      await rowOf(page, gone).getByRole("checkbox").check({ force: true });
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await hub.remove([gone]);
      await page.getByRole("dialog").getByRole("button", { name: "Remove 1 cluster" }).click();
      await expect(page.getByRole("list", { name: "Failures" })).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();

      await page.goto(`/ui/clusters?search=${name}`);
      await expect(rowOf(page, name)).toBeVisible();
      await blockApi(page);
      await search(page).fill(`${name} `);
      await expect(page.getByText("The data shown may be out of date.")).toBeVisible();
      await search(page).fill(name);
      await expect(page.getByText(/Out of date, updated/)).toBeVisible();
      await expectAccessible(page);
      await page.unrouteAll();
    });
  });
}
