// The history of a cluster. tests/src/populated.rs defines it.
import { expect, expectAccessible, test } from "./fixtures";

test("a cluster's history has charts and a storage forecast", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/cluster/riga-00030");
  const history = page.getByRole("region", { name: "History" });
  await expect(history).toContainText("lost for 2 h");
  await expect(history.getByRole("figure", { name: "Storage" })).toContainText(
    /full in \d+ days at this rate/,
  );
  await expect(history.getByRole("figure", { name: "Memory" })).toContainText("Lowest 36%, highest 44%");
  await expect(history.getByRole("figure", { name: "Instances running" })).toContainText("highest 128");
  await history.getByRole("button", { name: "90 days" }).click();
  await expect(history).toContainText("lost for 1 d");
  await expect(history.getByRole("button", { name: "90 days" })).toHaveAttribute("aria-pressed", "true");
});

test("every point of a chart can be read by keyboard", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/cluster/riga-00030");
  const points = page.getByRole("slider", { name: /CPU load/ });
  await points.focus();
  const last = await points.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(points).not.toHaveAttribute("aria-valuetext", last ?? "");
  await expect(points).toHaveAttribute("aria-valuetext", /^\d\.\d\d, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
});

test("charts are accessible in both themes", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/cluster/riga-00030");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await expect(page.getByRole("slider", { name: /Members online/ })).toBeAttached();
    await expectAccessible(page);
  }
});

test("a cluster without history says so", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/cluster/oslo-00015");
  const history = page.getByRole("region", { name: "History" });
  await history.getByRole("button", { name: "90 days" }).click();
  await expect(history).toContainText("No history yet. One point is recorded every hour.");
});
