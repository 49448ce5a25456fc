// Every page with every role: who may view it and which actions it offers.
import type { Page } from "@playwright/test";
import { expect, openMenu, rowOf, test, type Account } from "./fixtures";
import { unique } from "./hub";

const PAGES = [
  "/ui/clusters",
  "/ui/clusters/tokens",
  "/ui/cluster/no-such-cluster",
  "/ui/events?action=token.created",
  "/ui/sessions",
  "/ui/settings",
];

async function buttons(page: Page, names: RegExp): Promise<string[]> {
  const found = await page.getByRole("main").getByRole("button", { name: names }).all();
  return Promise.all(
    found.map(async (button) => (await button.getAttribute("aria-label")) ?? button.innerText()),
  );
}

for (const account of ["viewer", "operator", "admin"] as const satisfies Account[]) {
  test(`every page shows the actions that role ${account} permits`, async ({ hub, openAs }) => {
    const mayChange = account !== "viewer";
    const name = unique(`for-${account}`);
    const unused = unique(`unused-${account}`);
    await hub.clusters([name], "visible to all");
    await hub.token(unused, "not used yet");
    const page = await openAs(account, `/ui/clusters?search=${name}`);
    await expect(page.getByRole("navigation", { name: "Main" })).toContainText(account);

    await expect(rowOf(page, name)).toContainText("visible to all");
    await expect(page.getByRole("button", { name: "Enrol cluster" })).toHaveCount(mayChange ? 1 : 0);
    await expect(page.getByRole("checkbox")).toHaveCount(mayChange ? 2 : 0);
    await openMenu(page, name);
    await expect(page.locator(".menu:popover-open").getByRole("listitem")).toHaveText(
      mayChange ? [/^Configure$/, /^Open LXD UI/, /^Metrics/, /^Remove$/] : [/^Open LXD UI/, /^Metrics/],
    );
    await page.keyboard.press("Escape");

    await rowOf(page, name).getByRole("link", { name }).click();
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText("visible to all");
    expect(await buttons(page, /Edit|Configure|Remove/)).toEqual(
      mayChange
        ? ["Configure", "Remove", "Edit description", "Edit storage threshold", "Edit memory threshold"]
        : [],
    );
    await expect(page.getByText(/Live, updated/)).toBeVisible();

    await page.getByRole("link", { name: "Join tokens" }).click();
    await expect(page.getByRole("row", { name: unused })).toContainText("not used yet");
    await expect(page.getByRole("row", { name: unused })).toContainText("Valid");
    await expect(page.getByRole("button", { name: `Revoke token for ${unused}` })).toHaveCount(
      mayChange ? 1 : 0,
    );
    await expect(page.getByRole("button", { name: "Enrol cluster" })).toHaveCount(mayChange ? 1 : 0);
    await expect(page.getByText(/Refreshes every 15 s, updated/)).toBeVisible();

    await page.getByRole("link", { name: "Events" }).click();
    await expect(page.getByRole("table", { name: "Events, newest first" })).toBeVisible();
    await expect(page.getByText(/Refreshes every 15 s, updated/)).toBeVisible();

    await page.getByRole("link", { name: "Settings" }).click();
    await expect(page.getByRole("table", { name: "General" })).toBeVisible();
    const dependencies = page.getByRole("region", { name: "Dependencies" });
    await expect(dependencies).toContainText(/Database\s*Reachable/);
    await expect(dependencies).toContainText(/Identity provider\s*Reachable/);
    await expect(dependencies).toContainText(/Metrics sink\s*Not configured/);
    await expect(page.getByText(/Refreshes every 1 min, updated/)).toBeVisible();
  });
}

test("every page refuses an account without a role", async ({ openAs }) => {
  const page = await openAs("nobody", "/ui/clusters");
  for (const path of PAGES) {
    await page.goto(path);
    await expect(
      page.getByRole("heading", { name: "You do not have permission to view this" }),
    ).toBeVisible();
    await expect(page.getByText("Noah Nobody")).toBeVisible();
  }
});

test("every page redirects to the sign-in, which returns to the page", async ({ page }) => {
  for (const path of PAGES) {
    await page.goto(path);
    await expect(page).toHaveURL(`/ui/login?next=${encodeURIComponent(path)}`);
    await expect(page.getByRole("link", { name: "Sign in" })).toHaveAttribute(
      "href",
      `/oidc/login?next=${encodeURIComponent(path)}`,
    );
  }
});
