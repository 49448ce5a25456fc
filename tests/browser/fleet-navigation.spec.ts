// Moving between pages loses neither the place nor what was entered, and the focus moves as the eye does.
import type { Locator } from "@playwright/test";
import { expect, test } from "./fixtures";

test("Back restores the scroll position, and the breadcrumb keeps the filters", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters?search=lisbon-&sort=name");
  const rows = page.locator("tbody").getByRole("rowheader").getByRole("link");
  await rows.nth(40).scrollIntoViewIfNeeded();
  const main = page.getByRole("main");
  const before = await main.evaluate((element) => element.scrollTop);
  expect(before).toBeGreaterThan(200);
  await rows.nth(40).click();
  await expect(page.getByRole("region", { name: "Configuration" })).toBeVisible();
  expect(await main.evaluate((element) => element.scrollTop)).toBe(0);
  await page.goBack();
  await expect.poll(() => main.evaluate((element) => element.scrollTop)).toBe(before);
  await rows.nth(40).click();
  await page.getByRole("navigation", { name: "Breadcrumbs" }).getByRole("link", { name: "Clusters" }).click();
  await expect(page).toHaveURL(/search=lisbon-&sort=name$/);
});

test("a panel with unsaved text asks before it is left", async ({ openAs }) => {
  const page = await openAs("operator", "/ui/clusters");
  await page.getByRole("button", { name: "Enrol cluster" }).click();
  const field = page.getByLabel("Cluster name");
  const question = page.getByRole("dialog", { name: "Discard changes?" });
  await field.fill("unsaved");
  for (const leave of [
    () => field.press("Escape"),
    () => page.getByRole("button", { name: "Close panel" }).click(),
    () => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Events" }).click(),
  ]) {
    await leave();
    await question.getByRole("button", { name: "Keep editing" }).click();
    await expect(question).toHaveCount(0);
    await expect(field).toHaveValue("unsaved");
  }
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Events" }).click();
  await question.getByRole("button", { name: "Discard" }).click();
  await expect(page).toHaveTitle(/^Events/);
});

/** The controls in the order of the focus: no control is above the previous one, unless it begins a new column. */
async function expectVisualOrder(region: Locator): Promise<void> {
  const misplaced = await region.evaluate((element) => {
    const controls = [
      ...element.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary"),
    ];
    const boxes = controls
      .filter((control) => control.checkVisibility() && control.tabIndex >= 0)
      .map((control) => ({
        name: control.textContent || control.ariaLabel,
        box: control.getBoundingClientRect(),
      }));
    return boxes.flatMap(({ name, box }, index) => {
      const previous = boxes[index - 1];
      if (previous === undefined) return [];
      const isAbove = box.bottom <= previous.box.top + 1;
      const isNewColumn = box.left >= previous.box.right - 1;
      const isBefore = box.right <= previous.box.left + 1 && box.top < previous.box.bottom - 1 && !isAbove;
      return (isAbove && !isNewColumn) || isBefore ? [`${previous.name} > ${name}`] : [];
    });
  });
  expect(misplaced).toEqual([]);
}

for (const [device, width] of [
  ["a wide screen", 1600],
  ["a phone", 390],
] as const) {
  test(`the focus moves as the eye does on ${device}`, async ({ page, openAs }) => {
    await page.setViewportSize({ width, height: 900 });
    for (const path of ["/ui/clusters?limit=25", "/ui/clusters/tokens", "/ui/events", "/ui/settings"]) {
      await openAs("operator", path);
      await expect(page.getByRole("main").getByRole("heading", { level: 1 })).toBeVisible();
      await expect(page.getByRole("main").locator(".skeleton")).toHaveCount(0);
      await expectVisualOrder(page.getByRole("main"));
    }
  });
}
