import { expect, expectAccessible, rowOf, test } from "./fixtures";
import { unique } from "./hub";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });
    // Each check by axe takes seconds.
    test.slow();

    test("axe finds no problem on any page", async ({ hub, openAs, page }) => {
      const name = unique("axe");
      await hub.clusters([name], "seen by axe");
      await page.goto("/ui/clusters");
      await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
      await expectAccessible(page);
      await openAs("operator", "/ui/clusters");
      await expect(page.getByRole("table", { name: "Clusters" })).toBeVisible();
      await expectAccessible(page);
      const pages: [path: string, content: ReturnType<typeof page.locator>][] = [
        [`/ui/clusters?search=${name}&health=fresh`, rowOf(page, name)],
        ["/ui/clusters?search=no-such-cluster-at-all", page.getByText("No matching clusters")],
        [`/ui/cluster/${name}`, page.getByRole("region", { name: "Capacity" })],
        ["/ui/cluster/no-such-cluster-at-all", page.getByText("Cluster not found")],
        ["/ui/clusters/tokens", page.getByRole("heading", { level: 1, name: "Join tokens" })],
        ["/ui/events", page.getByRole("table", { name: "Events, newest first" })],
        ["/ui/sessions", page.getByRole("heading", { level: 1, name: "Sessions" })],
        ["/ui/settings", page.getByRole("table", { name: "General" })],
        ["/ui/nothing", page.getByText("Page not found")],
      ];
      for (const [path, content] of pages) {
        await page.goto(path);
        await expect(content).toBeVisible();
        await expectAccessible(page);
      }
    });

    test("axe finds no problem in any panel or dialog", async ({ hub, openAs }) => {
      const name = unique("axe");
      await hub.clusters([name]);
      const page = await openAs("operator", `/ui/clusters?search=${name}`);
      await rowOf(page, name)
        .getByRole("button", { name: `Actions for ${name}` })
        .click();
      await expectAccessible(page);
      await page.getByRole("button", { name: "Configure", exact: true }).click();
      await page.getByLabel("Memory threshold").fill("x");
      await expectAccessible(page);
      await page.getByRole("button", { name: "Cancel" }).click();
      await rowOf(page, name).getByRole("checkbox").check({ force: true });
      await page.getByRole("button", { name: "Remove", exact: true }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("button", { name: "Enrol cluster" }).click();
      await page.getByLabel("Cluster name").fill(name);
      await expect(page.getByText("A cluster with this name already exists.")).toBeVisible();
      await expectAccessible(page);
      const other = unique("axe-token");
      await page.getByLabel("Cluster name").fill(other);
      await page.getByRole("button", { name: "Create token" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("button", { name: /^I have copied/ }).click();
      await page.goto("/ui/clusters/tokens");
      await page.getByRole("button", { name: `Revoke token for ${other}` }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("button", { name: "Revoke 1 token" }).click();
      await expect(page.getByText("1 token revoked.")).toBeVisible();
    });
  });
}

test("the chosen theme is remembered", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/settings");
  await page.getByRole("combobox", { name: "Theme" }).selectOption("dark");
  await expect(page.locator("body")).toHaveClass(/is-dark/);
  await page.reload();
  await expect(page.locator("body")).toHaveClass(/is-dark/);
});
