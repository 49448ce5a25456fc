// A hub without clusters.
import { expect, expectAccessible, test } from "./fixtures";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("an operator can enrol the first cluster", async ({ openAs }) => {
      const page = await openAs("operator", "/ui/clusters");
      await expect(page.getByRole("heading", { name: "No clusters yet" })).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("main").getByRole("button", { name: "Enrol cluster" }).last().click();
      await expect(page.getByLabel("Cluster name")).toBeFocused();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("link", { name: "Join tokens" }).click();
      await expect(page.getByRole("heading", { name: "No join tokens" })).toBeVisible();
      await expectAccessible(page);
      await page.goto("/ui/events");
      await expect(page.getByRole("table", { name: "Events, newest first" })).toBeVisible();
    });

    test("a viewer is not offered enrolment", async ({ openAs }) => {
      const page = await openAs("viewer", "/ui/clusters");
      await expect(page.getByRole("heading", { name: "No clusters yet" })).toBeVisible();
      await expect(page.getByRole("button", { name: "Enrol cluster" })).toHaveCount(0);
      await expectAccessible(page);
      await page.goto("/ui/clusters/tokens");
      await expect(page.getByRole("heading", { name: "No join tokens" })).toBeVisible();
      await expect(page.getByRole("button", { name: "Enrol cluster" })).toHaveCount(0);
    });
  });
}

test("a filter without matches says so even if there are no clusters", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters?search=nobody");
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
  await page.getByRole("button", { name: "Clear search and filters" }).click();
  await expect(page.getByRole("heading", { name: "No clusters yet" })).toBeVisible();
});
