// Every workflow without a mouse: each control is reached by Tab, shows its focus and is used by a key.
import type { Locator, Page } from "@playwright/test";
import { expect, rowOf, test } from "./fixtures";
import { simulate, unique } from "./hub";

/** More than any page needs. */
const MAX_TABS = 120;

/** Presses Tab until the control has the focus. */
async function tabTo(page: Page, control: Locator): Promise<void> {
  await expect(control).toBeVisible();
  for (let tabs = 0; tabs < MAX_TABS; tabs += 1) {
    if (await control.evaluate((element) => element === document.activeElement)) {
      await expectVisibleFocus(control);
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${control.toString()}`);
}

/** Moves the focus to the control and presses a key. */
async function press(page: Page, control: Locator, key = "Enter"): Promise<void> {
  await tabTo(page, control);
  await page.keyboard.press(key);
}

/** Expects an outline on the control or on the label that represents it. */
async function expectVisibleFocus(control: Locator): Promise<void> {
  const isVisible = await control.evaluate((element) => {
    const parts = [element, element.nextElementSibling, element.parentElement].filter(
      (part) => part !== null,
    );
    const styles = parts.flatMap((part) => [getComputedStyle(part), getComputedStyle(part, "::before")]);
    return styles.some((style) => style.outlineStyle !== "none" && style.outlineWidth !== "0px");
  });
  expect(isVisible, `the focus of ${control.toString()} is not visible`).toBe(true);
}

test("sign in, skip the navigation, open each page, sign out", async ({ page }) => {
  await page.goto("/ui/settings");
  await press(page, page.getByRole("link", { name: "Sign in" }));
  await press(page, page.getByRole("link", { name: "viewer", exact: true }));
  await expect(page.getByRole("table", { name: "General" })).toBeVisible();
  await press(page, page.getByRole("link", { name: "Skip to main content" }));
  await expect(page.getByRole("main")).toBeFocused();
  for (const link of ["Events", "Join tokens", "Clusters"]) {
    await press(
      page,
      page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: link, exact: true }),
    );
    await expect(page).toHaveTitle(new RegExp(`^${link}`));
    await expect(page.getByRole("main")).toBeFocused();
  }
  await press(page, page.getByRole("link", { name: "Sign out" }));
  await press(page, page.getByRole("button", { name: "Sign out" }));
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("enrol a cluster", async ({ hub, openAs, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("typed");
  hub.cleanUp([name]);
  const page = await openAs("operator", `/ui/clusters?search=${name}`);
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
  await press(page, page.getByRole("button", { name: "Enrol cluster" }));
  await expect(page.getByLabel("Cluster name")).toBeFocused();
  await page.keyboard.type(name);
  await tabTo(page, page.getByRole("textbox", { name: "Description" }));
  await page.keyboard.type("by keyboard");
  await tabTo(page, page.getByLabel("Token valid for"));
  await page.keyboard.press("ArrowDown");
  await press(page, page.getByRole("button", { name: "Create token" }));
  const dialog = page.getByRole("dialog", { name: "Run this command on the cluster" });
  await press(page, dialog.getByRole("button", { name: "Copy command" }));
  await expect(dialog.getByRole("button", { name: "Copy command" })).toHaveText("Copied");
  const command = await page.evaluate(() => navigator.clipboard.readText());
  await page.keyboard.press("Escape");
  await press(page, dialog.getByRole("button", { name: /^I have copied/ }));
  await expect(dialog).toHaveCount(0);
  await simulate([command.split(" ").at(-1) ?? ""]);
  await expect(rowOf(page, name)).toContainText("by keyboard");
});

test("search, sort, filter, select, configure and remove clusters", async ({ hub, openAs }) => {
  const mark = unique("keys");
  const names = [`${mark}-a`, `${mark}-b`];
  await hub.clusters(names);
  const page = await openAs("operator", "/ui/clusters");
  await tabTo(page, page.getByRole("searchbox", { name: "Search names and descriptions" }));
  await page.keyboard.type(mark);
  await page.keyboard.press("Enter");
  const shown = page.locator("tbody").getByRole("rowheader").getByRole("link");
  await expect(shown).toHaveCount(2);
  const sort = page.getByRole("columnheader").getByRole("button", { name: "Name", exact: true });
  await press(page, sort);
  await press(page, sort);
  await expect(shown).toHaveText(names.toReversed());
  await press(page, page.getByRole("button", { name: / Fresh$/ }), " ");
  await expect(page.getByRole("list", { name: "Active filters" })).toContainText("Health: Fresh");
  await press(page, page.getByRole("button", { name: "Health: Fresh Remove filter" }));
  await expect(page.getByRole("list", { name: "Active filters" })).not.toContainText("Health: Fresh");

  await press(page, page.getByRole("checkbox", { name: "Select all on this page" }), " ");
  await expect(page.getByText("2 clusters selected")).toBeVisible();
  await press(page, page.getByRole("button", { name: "Configure", exact: true }));
  await tabTo(page, page.getByLabel("Memory threshold"));
  await page.keyboard.type("64");
  await press(page, page.getByRole("button", { name: "Save" }));
  await expect(page.getByText("2 clusters configured.")).toBeVisible();
  await press(page, page.getByRole("button", { name: "Close", exact: true }));

  const menu = page.getByRole("button", { name: `Actions for ${names[0] ?? ""}` });
  await press(page, menu);
  // An open menu moves the focus to its first item.
  await expect(page.getByRole("button", { name: "Configure", exact: true }).last()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu).toBeFocused();
  await page.keyboard.press("Enter");
  await press(page, page.locator(".menu:popover-open").getByRole("button", { name: "Remove" }));
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await press(page, page.getByRole("button", { name: "Remove", exact: true }).first());
  await expect(dialog).toContainText("Remove 2 clusters?");
  await press(page, dialog.getByRole("button", { name: "Remove 2 clusters" }));
  await expect(dialog).toContainText("2 clusters removed.");
  await press(page, dialog.getByRole("button", { name: "Close", exact: true }));
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
});

test("open a cluster, edit it in place and go to its events", async ({ hub, openAs }) => {
  const name = unique("opened");
  await hub.clusters([name]);
  const page = await openAs("operator", `/ui/clusters?search=${name}`);
  await press(page, page.getByRole("link", { name }));
  const configuration = page.getByRole("region", { name: "Configuration" });
  await press(page, page.getByRole("button", { name: "Edit storage threshold" }));
  const field = page.getByRole("textbox", { name: "storage threshold" });
  await expect(field).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Edit storage threshold" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(field).toBeFocused();
  await page.keyboard.type("71");
  await page.keyboard.press("Enter");
  await expect(configuration).toContainText("71%");
  await expect(page.getByRole("button", { name: "Edit storage threshold" })).toBeFocused();
  await press(page, page.getByRole("main").getByRole("link", { name: "Events" }));
  const row = page.getByRole("row").filter({ hasText: "Cluster configured" });
  await press(page, row.locator("summary"));
  await expect(row).toContainText("71");
  await tabTo(page, page.getByRole("combobox", { name: "Action" }));
  await page.keyboard.type("Cluster joined");
  await expect(page.getByRole("row").filter({ hasText: "Cluster joined" })).toBeVisible();
  await expect(row).toHaveCount(0);
});

test("revoke a token", async ({ hub, openAs }) => {
  const name = unique("revoked");
  await hub.token(name);
  const page = await openAs("operator", "/ui/clusters/tokens");
  await press(page, page.getByRole("checkbox", { name: `Select ${name}` }), " ");
  await expect(page.getByText("1 token selected")).toBeVisible();
  await press(page, page.getByRole("button", { name: "Revoke", exact: true }).first());
  await press(page, page.getByRole("dialog").getByRole("button", { name: "Revoke 1 token" }));
  await expect(page.getByRole("dialog")).toContainText("1 token revoked.");
  await press(page, page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }));
  await expect(page.getByRole("row", { name })).toHaveCount(0);
});

test("open and close the menu on a narrow screen", async ({ openAs, page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openAs("viewer", "/ui/settings");
  await expect(page.getByRole("table", { name: "General" })).toBeVisible();
  await press(page, page.getByRole("button", { name: "Menu", exact: true }));
  await press(page, page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Events" }));
  await expect(page.getByRole("heading", { level: 1, name: "Events" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Settings" })).not.toBeInViewport();
});
