// Photographs of all pages, to be looked at; for the documentation too.
import { expect, rowOf, test } from "./fixtures";
import { setting, unique } from "./hub";

test.skip(process.env.CM_SCREENSHOTS === undefined, "CM_SCREENSHOTS is not set");

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 1280, 1920]) {
    test.describe(`${colorScheme} at ${width}`, () => {
      test.use({
        colorScheme,
        viewport: {
          width,
          height: width < 500 ? 844 : width < 1500 ? 800 : 1080,
        },
      });

      test("every page", async ({ hub, openAs, page }) => {
        const name = unique("paris-edge");
        await hub.clusters([name], "Rack 4, by the window");
        const take = async (what: string): Promise<void> => {
          await page.screenshot({
            path: `${setting("CM_SCREENSHOTS")}/${what}-${width}-${colorScheme}.png`,
          });
        };
        await page.goto("/ui/clusters");
        await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
        await take("login");
        await openAs("operator", "/ui/clusters");
        await expect(page.getByRole("table", { name: "Clusters" })).toBeVisible();
        await take("clusters");
        const pages: [what: string, path: string, sign: ReturnType<typeof page.locator>][] = [
          ["filtered", `/ui/clusters?search=${name}&health=fresh`, rowOf(page, name)],
          ["cluster", `/ui/cluster/${name}`, page.getByRole("region", { name: "Capacity" })],
          ["tokens", "/ui/clusters/tokens", page.getByRole("heading", { level: 1 })],
          ["events", "/ui/events", page.getByRole("table", { name: "Events, newest first" })],
          ["settings", "/ui/settings", page.getByRole("table", { name: "General" })],
        ];
        for (const [what, path, sign] of pages) {
          await page.goto(path);
          await expect(sign).toBeVisible();
          await take(what);
        }
      });
    });
  }
}
