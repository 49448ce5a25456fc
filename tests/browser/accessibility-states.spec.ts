// What stands in a page's place when not all is well is as accessible as the page.
import { cutOff, expect, expectAccessible, rowOf, search, test } from "./fixtures";
import { unique } from "./hub";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("axe finds nothing in an outage, nor where somebody is kept out", async ({
      openAs,
      page,
      context,
    }) => {
      await cutOff(page);
      await page.goto("/ui/clusters");
      await expect(page.getByRole("heading", { name: "Cluster Manager cannot be reached" })).toBeVisible();
      await expectAccessible(page);
      await page.unrouteAll();

      await openAs("nobody", "/ui/settings");
      await expect(page.getByRole("heading", { name: "You are not permitted to see this" })).toBeVisible();
      await expectAccessible(page);

      await context.clearCookies();
      await openAs("viewer", "/ui/settings");
      await expect(page.getByRole("table", { name: "General" })).toBeVisible();
      await context.clearCookies();
      await page.getByRole("link", { name: "Tokens" }).click();
      await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
      await expectAccessible(page);
    });

    test("axe finds nothing where old data stands, nor where something is edited", async ({
      hub,
      openAs,
    }) => {
      const [name, gone] = [unique("edited"), unique("gone")];
      await hub.clusters([name, gone]);
      const page = await openAs("operator", `/ui/cluster/${name}`);
      await page.getByRole("button", { name: "Edit description" }).click();
      await page.getByRole("button", { name: "Edit memory threshold" }).click();
      await page.getByRole("textbox", { name: "memory threshold" }).fill("101");
      await expect(page.getByText("A whole number from 0 to 100.")).toBeVisible();
      await expectAccessible(page);

      await page.goto(`/ui/clusters?search=${gone}`);
      await rowOf(page, gone).getByRole("checkbox").check({ force: true });
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await hub.remove([gone]);
      await page.getByRole("dialog").getByRole("button", { name: "Remove 1 cluster" }).click();
      await expect(page.getByRole("list", { name: "Those that failed" })).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();

      await page.goto(`/ui/clusters?search=${name}`);
      await expect(rowOf(page, name)).toBeVisible();
      await cutOff(page);
      await search(page).fill(`${name} `);
      await expect(page.getByText("What you see may be out of date.")).toBeVisible();
      await search(page).fill(name);
      await expect(page.getByText(/Out of date, from/)).toBeVisible();
      await expectAccessible(page);
      await page.unrouteAll();
    });
  });
}
