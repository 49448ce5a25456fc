import { expect, rowOf, search, test } from "./fixtures";
import { unique } from "./hub";

test("search, order and filter are kept in the address", async ({ hub, openAs }) => {
  const mark = unique("list");
  const names = ["a", "b", "c"].map((letter) => `${mark}-${letter}`);
  await hub.clusters(names);
  const page = await openAs("viewer", "/ui/clusters");
  await search(page).fill(mark.toUpperCase());
  await expect(page).toHaveURL(/search=LIST-/);
  const shown = page.locator("tbody").getByRole("rowheader").getByRole("link");
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await expect(shown).toHaveText(names);
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await expect(shown).toHaveText(names.toReversed());
  await expect(page.getByRole("columnheader", { name: /^Name/ })).toHaveAttribute("aria-sort", "descending");
  await page.reload();
  await expect(search(page)).toHaveValue(mark.toUpperCase());
  await expect(shown).toHaveText(names.toReversed());
  await page.getByRole("combobox", { name: "Add filter" }).selectOption({ label: "Health: Lost" });
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
  await page.goBack();
  await expect(shown).toHaveText(names.toReversed());
  await page.goForward();
  await page.getByRole("button", { name: "Clear search and filters" }).click();
  await expect(search(page)).toHaveValue("");
});

test("paging works forwards and backwards", async ({ hub, openAs }) => {
  const mark = unique("paged");
  const names = Array.from({ length: 30 }, (_, number) => `${mark}-${(number + 10).toString()}`);
  await hub.clusters(names);
  const page = await openAs("viewer", `/ui/clusters?search=${mark}&sort=name&limit=25`);
  const pages = page.getByRole("navigation", { name: "Pages" });
  await expect(pages).toContainText("1 to 25 of 30 clusters");
  await pages.getByRole("button", { name: "Next" }).click();
  await expect(pages).toContainText("26 to 30 of 30 clusters");
  await page.reload();
  await expect(rowOf(page, names[29] ?? "")).toBeVisible();
  await pages.getByRole("button", { name: "Previous" }).click();
  await expect(rowOf(page, names[0] ?? "")).toBeVisible();
  await expect(pages.getByRole("button", { name: "Previous" })).toBeDisabled();
});

test("an invalid cursor opens the first page", async ({ hub, openAs }) => {
  const name = unique("cursor");
  await hub.clusters([name]);
  const page = await openAs("viewer", `/ui/clusters?search=${name}&cursor=stale&page=7`);
  await expect(rowOf(page, name)).toBeVisible();
  await expect(page).not.toHaveURL(/[?&]cursor=/);
});

test("hostile names are shown as text and have working links", async ({ hub, openAs }) => {
  const mark = unique("odd");
  const long = (mark + "x".repeat(255)).slice(0, 255);
  const names = [`${mark} a/b?c#d%`, `${mark} <img src=x onerror=alert(1)>`, `${mark} 🚀 100%2F`, long];
  await hub.clusters(names, "<script>alert(1)</script>");
  const page = await openAs("viewer", `/ui/clusters?search=${mark}`);
  page.on("dialog", () => {
    throw new Error("a name was executed");
  });
  for (const name of names) {
    await rowOf(page, name).getByRole("link", { name, exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
    await expect(page.getByRole("region", { name: "Health" })).toBeVisible();
    await page.reload();
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText(
      "<script>alert(1)</script>",
    );
    await page.goBack();
  }
});

test("changes appear without reloading", async ({ hub, openAs }) => {
  const name = unique("live");
  const page = await openAs("viewer", `/ui/clusters?search=${name}`);
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
  await hub.clusters([name]);
  await expect(rowOf(page, name)).toContainText("Fresh");
  await hub.configure([name], { description: "moved to the cellar" });
  await expect(rowOf(page, name)).toContainText("moved to the cellar");
  await hub.remove([name]);
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
});
