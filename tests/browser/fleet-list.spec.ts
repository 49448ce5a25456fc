// The list of ten thousand clusters, which the hub searches, sorts, filters and pages.
import type { Page } from "@playwright/test";
import { expect, openMenu, rowOf, search, test as base } from "./fixtures";

/** The maximum size of an API response, before compression. */
const MAX_RESPONSE_BYTES = 100_000;

const test = base.extend<{ responseSizes: undefined }>({
  responseSizes: [
    async ({ page }, use) => {
      const sizes: Promise<string | null>[] = [];
      page.on("requestfinished", (request) => {
        if (!/\/1\.0\b/.test(request.url()) || request.url().endsWith("/1.0/changes")) return;
        sizes.push(
          (async () => {
            // The response of a page that is already closed cannot be read.
            const response = await request.response().catch(() => null);
            const body = await response?.body().catch(() => null);
            return body != null && body.length > MAX_RESPONSE_BYTES
              ? `${request.url()}: ${body.length}`
              : null;
          })(),
        );
      });
      await use(undefined);
      expect((await Promise.all(sizes)).filter((size) => size !== null)).toEqual([]);
    },
    { auto: true },
  ],
});

const shown = (page: Page): ReturnType<Page["locator"]> =>
  page.locator("tbody").getByRole("rowheader").getByRole("link");
const pages = (page: Page): ReturnType<Page["locator"]> => page.getByRole("navigation", { name: "Pages" });

test("search and order survive reloading and going back", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters");
  await expect(pages(page)).toContainText("1 to 50 of 10,000 clusters");
  await expect(page.getByRole("region", { name: "Fleet totals" })).toContainText("10,000 clusters");
  await expect(page.getByRole("row").nth(1)).toContainText("Lost");
  await search(page).fill("LISBON-");
  await expect(pages(page)).toContainText("1 to 50 of 625 clusters");
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await expect(shown(page).first()).toHaveText("lisbon-00000");
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await expect(shown(page).first()).toHaveText("lisbon-09984");
  await page.reload();
  await expect(search(page)).toHaveValue("LISBON-");
  await expect(shown(page).first()).toHaveText("lisbon-09984");
  await expect(pages(page)).toContainText("1 to 50 of 625 clusters");
  await page.goBack();
  await expect(shown(page).first()).toHaveText("lisbon-00000");
  await page.goBack();
  await page.goBack();
  await expect(pages(page)).toContainText("1 to 50 of 10,000 clusters");
  await expect(search(page)).toHaveValue("");
  await page.goForward();
  await expect(search(page)).toHaveValue("LISBON-");
  // Matches descriptions only.
  await search(page).fill("RACK 42, hall 1");
  await expect(pages(page)).toContainText(/of 1\d clusters/);
  await expect(page.locator("tbody tr").first()).toContainText("Rack 42, hall 1");
});

test("every column sorts the whole fleet", async ({ openAs, hub }) => {
  const page = await openAs("viewer", "/ui/clusters?limit=25");
  await expect(pages(page)).toContainText("1 to 25 of 10,000 clusters");
  const columns = [
    ["Name", "name"],
    ["Description", "description"],
    ["Last heartbeat", "last_heartbeat"],
    ["Members", "members"],
    ["Instances", "instances"],
    ["CPU load", "cpu"],
    ["Memory", "memory"],
    ["Storage", "storage"],
    ["Warnings", "warnings"],
    ["Health", "health"],
  ] as const;
  for (const [column, sort] of columns) {
    const isText = ["name", "description"].includes(sort);
    for (const order of isText ? ["asc", "desc"] : ["desc", "asc"]) {
      await page.getByRole("columnheader").getByRole("button", { name: column, exact: true }).click();
      const ordered = order === "asc" ? "ascending" : "descending";
      await expect(page.locator(`th[aria-sort="${ordered}"]`)).toContainText(column);
      const first = await hub.names(`sort=${sort}&order=${order}&limit=25`);
      // Invisible characters are shown escaped.
      await expect(shown(page)).toHaveText(first.map((name) => name.replace("\u202E", String.raw`\u{202e}`)));
    }
  }
});

test("totals and filters narrow the list", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters");
  const totals = page.getByRole("region", { name: "Fleet totals" });
  const press = async (name: RegExp, count: string): Promise<void> => {
    const filter = totals.getByRole("button", { name });
    await filter.click();
    await expect(filter).toHaveAttribute("aria-pressed", "true");
    await expect(pages(page)).toContainText(`of ${count} clusters`);
    await page.reload();
    await expect(pages(page)).toContainText(`of ${count} clusters`);
    await filter.click();
    await expect(pages(page)).toContainText("of 10,000 clusters");
  };
  // tests/src/populated.rs defines the counts.
  await press(/^104 Lost$/, "104");
  await press(/^187 Late$/, "187");
  await press(/^125 Offline$/, "125");
  await press(/^50 Blocked$/, "50");
  await press(/^critical: 250 Storage$/, "250");
  await press(/^critical: 104 warning: 187 Heartbeat$/, "291");
  await press(/^warning: 34 Certificate$/, "34");
  await totals.getByRole("button", { name: "Above 80%" }).first().click();
  await expect(page).toHaveURL(/memory-above=80/);
  await expect(pages(page)).toContainText("of 167 clusters");
  await page.getByRole("combobox", { name: "Add filter" }).selectOption({ label: "Health: Lost" });
  await expect(pages(page)).toContainText("of 2 clusters");
  await page.getByRole("listitem").filter({ hasText: "Memory usage: above 80%" }).getByRole("button").click();
  await expect(pages(page)).toContainText("of 104 clusters");
  await page.goBack();
  await page.goBack();
  await expect(pages(page)).toContainText("of 167 clusters");
  await page.getByRole("button", { name: "Clear all" }).click();
  await expect(pages(page)).toContainText("of 10,000 clusters");
});

test("paging works forwards, backwards and from a link", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters?sort=name&search=oslo");
  await expect(pages(page)).toContainText("1 to 50 of 625 clusters");
  await page.getByRole("combobox", { name: "Per page" }).selectOption("75");
  await expect(pages(page)).toContainText("1 to 75 of 625 clusters");
  for (const first of [76, 151, 226]) {
    await pages(page).getByRole("button", { name: "Next" }).click();
    await expect(pages(page)).toContainText(`${first} to ${first + 74} of 625 clusters`);
  }
  const middle = await shown(page).allTextContents();
  await page.reload();
  await expect(shown(page)).toHaveText(middle);
  await page.goBack();
  await expect(pages(page)).toContainText("151 to 225 of 625 clusters");
  await page.goForward();
  await expect(shown(page)).toHaveText(middle);
  await pages(page).getByRole("button", { name: "Previous" }).click();
  await expect(pages(page)).toContainText("151 to 225 of 625 clusters");
});

test("a selection across pages is configured at once", async ({ openAs, hub }) => {
  const page = await openAs("operator", "/ui/clusters?sort=name&search=riga&limit=25");
  await expect(pages(page)).toContainText("1 to 25 of 625 clusters");
  const [first] = await shown(page).allTextContents();
  await page.getByRole("checkbox", { name: "Select all on this page" }).check({ force: true });
  await pages(page).getByRole("button", { name: "Next" }).click();
  await expect(pages(page)).toContainText("26 to 50 of 625 clusters");
  await page.getByRole("checkbox", { name: "Select all on this page" }).check({ force: true });
  await expect(page.getByText("50 clusters selected")).toBeVisible();
  await page.getByRole("button", { name: "Configure", exact: true }).click();
  await page.getByLabel("Storage threshold").fill("85");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("50 clusters configured.")).toBeVisible();
  expect(await hub.cluster(first ?? "")).toMatchObject({ disk_threshold: 85, memory_threshold: 80 });
});

test("a cluster's menu links to LXD UI and metrics", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters?search=riga-00030");
  await expect(rowOf(page, "riga-00030")).toBeVisible();
  await openMenu(page, "riga-00030");
  await expect(page.getByRole("link", { name: /^Open LXD UI/ })).toHaveAttribute(
    "href",
    "https://site-31.example.org:8443",
  );
  await expect(page.getByRole("link", { name: /^Metrics/ })).toHaveAttribute(
    "href",
    "https://grafana.example.com/lxd?orgId=1&var-job=riga-00030",
  );
});
