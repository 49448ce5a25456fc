// Screenshots of all pages and dialogs, with a fleet that has every kind of problem, for review and for documentation.
import type { Page } from "@playwright/test";
import { blockApi, expect, openMenu, rowOf, search, test } from "./fixtures";
import { unique } from "./hub";
import { setting } from "./settings";

/** Clusters that tests/src/populated.rs defines: a lost one with an odd name, one with a full pool, one with all statuses. */
const ODD = "a/b?c#d%";
const FULL = "hamburg-00008";
const BUSY = "riga-00030";

for (const colorScheme of ["light", "dark"] as const) {
  for (const [width, height] of [
    [390, 844],
    [1280, 800],
    [1920, 1080],
  ] as const) {
    test.describe(`${colorScheme} at ${width}`, () => {
      test.use({ colorScheme, viewport: { width, height } });
      test.slow();

      const take = async (page: Page, name: string): Promise<void> => {
        const folder = setting("CM_SCREENSHOTS");
        await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
      };

      test("pages", async ({ hub, openAs, page }) => {
        for (const [name, description] of [
          [unique("lisbon-new"), "Rack 4, by the window"],
          [unique("<b>odd</b>"), "a\u202Eb & <i>c</i>"],
          [unique("x".repeat(200)), "y".repeat(200)],
        ] as const)
          await hub.token(name, description);
        await page.goto("/ui/clusters");
        await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
        await take(page, "login");
        await openAs("operator", "/ui/clusters");
        const pages: [name: string, path: string, content: ReturnType<typeof page.locator>][] = [
          ["clusters", "/ui/clusters", page.getByRole("table", { name: "Clusters" })],
          ["odd", "/ui/clusters?search=more&sort=name&limit=25", rowOf(page, ODD)],
          ["filtered", "/ui/clusters?warning=storage&health=fresh&storage-above=80", rowOf(page, FULL)],
          ["nothing", "/ui/clusters?search=no-such-cluster", page.getByText("No matching clusters")],
          ["cluster", `/ui/cluster/${FULL}`, page.getByRole("region", { name: "Capacity" })],
          ["cluster-busy", `/ui/cluster/${BUSY}`, page.getByRole("region", { name: "Capacity" })],
          [
            "cluster-odd",
            `/ui/cluster/${encodeURIComponent(ODD)}`,
            page.getByRole("region", { name: "Capacity" }),
          ],
          ["missing-cluster", "/ui/cluster/no-such-cluster", page.getByText("Cluster not found")],
          ["tokens", "/ui/clusters/tokens", page.getByRole("table", { name: "Join tokens" })],
          ["events", "/ui/events", page.getByRole("table", { name: "Events, newest first" })],
          ["settings", "/ui/settings", page.getByRole("table", { name: "General" })],
          ["missing-page", "/ui/nothing", page.getByText("Page not found")],
        ];
        for (const [name, path, content] of pages) {
          await page.goto(path);
          await expect(content).toBeVisible();
          await take(page, name);
          if (name === "cluster-busy") {
            for (const region of ["Capacity", "History"]) {
              const part = page.getByRole("region", { name: region });
              await part.evaluate((element) => {
                element.scrollIntoView();
              });
              await take(page, `${name}-${region.toLowerCase()}`);
            }
          }
          if (["clusters", "cluster", "events", "settings", "tokens"].includes(name)) {
            await page.locator("#main-content").evaluate((main) => {
              main.scrollTo(0, main.clientHeight * 0.9);
            });
            await take(page, `${name}-below`);
          }
        }
      });

      test("panels, dialogs and states", async ({ openAs, hub }) => {
        const page = await openAs("operator", `/ui/clusters?search=${FULL.slice(0, 7)}`);
        await expect(rowOf(page, FULL)).toBeVisible();
        await openMenu(page, FULL);
        await take(page, "menu");
        await page.getByRole("button", { name: "Configure", exact: true }).click();
        await page.getByLabel("Memory threshold").fill("x");
        await take(page, "configure");
        await page.getByRole("button", { name: "Cancel" }).click();
        await page.getByRole("checkbox", { name: "Select all on this page" }).check({ force: true });
        await take(page, "selected");
        await page.getByRole("button", { name: "Remove", exact: true }).click();
        await expect(page.getByRole("dialog")).toBeVisible();
        await take(page, "remove");
        await page.getByRole("button", { name: "Cancel" }).click();
        await page.getByRole("button", { name: "Enrol cluster" }).click();
        await page.getByLabel("Cluster name").fill(FULL);
        await page.getByLabel("Token valid for").selectOption({ label: "Custom date and time" });
        await expect(page.getByText("A cluster with this name already exists.")).toBeVisible();
        await take(page, "enrol");
        const name = unique("lisbon-new");
        hub.cleanUp([name]);
        await page.getByLabel("Token valid for").selectOption({ index: 0 });
        await page.getByLabel("Cluster name").fill(name);
        await page.getByRole("button", { name: "Create token" }).click();
        await expect(page.getByRole("dialog")).toBeVisible();
        await take(page, "join-command");
        await page.getByRole("button", { name: /^I have copied/ }).click();
        await page.goto(`/ui/cluster/${FULL}`);
        await page.getByRole("button", { name: "Edit description" }).click();
        await page.getByRole("button", { name: "Edit storage threshold" }).click();
        await page.getByRole("textbox", { name: "storage threshold" }).fill("101");
        await take(page, "edit");
        await page.goto("/ui/events");
        await page.getByRole("table").getByText("description").first().click();
        await take(page, "event-details");
        if (width === 390) {
          await page.getByRole("button", { name: "Menu", exact: true }).click();
          await take(page, "navigation");
        }
        await page.goto("/ui/clusters");
        await expect(page.getByRole("table", { name: "Clusters" })).toBeVisible();
        await blockApi(page);
        await search(page).fill("porto");
        await expect(page.getByText("Cluster Manager cannot be reached.")).toBeVisible();
        await take(page, "outage");
        await page.unrouteAll();
      });
    });
  }
}
