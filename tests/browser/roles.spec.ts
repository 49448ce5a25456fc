// Every page as everybody: who sees it, and what they are offered there.
import type { Page } from "@playwright/test";
import { expect, openMenu, rowOf, test, type Person } from "./fixtures";
import { unique } from "./hub";

const PAGES = [
  "/ui/clusters",
  "/ui/clusters/tokens",
  "/ui/cluster/nobody",
  "/ui/events?action=token.created",
  "/ui/settings",
];

async function buttons(page: Page, names: RegExp): Promise<string[]> {
  const found = await page.getByRole("main").getByRole("button", { name: names }).all();
  return Promise.all(
    found.map(async (button) => (await button.getAttribute("aria-label")) ?? button.innerText()),
  );
}

for (const person of ["viewer", "operator", "admin"] as const satisfies Person[]) {
  test(`every page shows a ${person} what a ${person} may do`, async ({ hub, openAs }) => {
    const mayChange = person !== "viewer";
    const name = unique(`for-${person}`);
    const waiting = unique(`waits-${person}`);
    await hub.clusters([name], "seen by all");
    await hub.token(waiting, "not used yet");
    const page = await openAs(person, `/ui/clusters?search=${name}`);
    await expect(page.getByRole("navigation", { name: "Main" })).toContainText(person);

    await expect(rowOf(page, name)).toContainText("seen by all");
    await expect(page.getByRole("button", { name: "Enrol cluster" })).toHaveCount(mayChange ? 1 : 0);
    await expect(page.getByRole("checkbox")).toHaveCount(mayChange ? 2 : 0);
    await openMenu(page, name);
    await expect(page.locator(".menu:popover-open").getByRole("listitem")).toHaveText(
      mayChange ? [/^Configure$/, /^Open LXD UI/, /^Metrics/, /^Remove$/] : [/^Open LXD UI/, /^Metrics/],
    );
    await page.keyboard.press("Escape");

    await rowOf(page, name).getByRole("link", { name }).click();
    await expect(page.getByRole("region", { name: "Configuration" })).toContainText("seen by all");
    expect(await buttons(page, /Edit|Configure|Remove/)).toEqual(
      mayChange
        ? ["Configure", "Remove", "Edit description", "Edit storage threshold", "Edit memory threshold"]
        : [],
    );
    await expect(page.getByText(/Live, updated/)).toBeVisible();

    await page.getByRole("link", { name: "Tokens" }).click();
    await expect(page.getByRole("row", { name: waiting })).toContainText("not used yet");
    await expect(page.getByRole("row", { name: waiting })).toContainText("Live");
    await expect(page.getByRole("button", { name: `Revoke the token for ${waiting}` })).toHaveCount(
      mayChange ? 1 : 0,
    );
    await expect(page.getByRole("button", { name: "Enrol cluster" })).toHaveCount(mayChange ? 1 : 0);
    await expect(page.getByText(/Every 15 s, updated/)).toBeVisible();

    await page.getByRole("link", { name: "Events" }).click();
    await expect(page.getByRole("table", { name: "Events, newest first" })).toBeVisible();
    await expect(page.getByText(/Every 15 s, updated/)).toBeVisible();

    await page.getByRole("link", { name: "Settings" }).click();
    await expect(page.getByRole("table", { name: "General" })).toBeVisible();
    const depends = page.getByRole("region", { name: "What Cluster Manager depends on" });
    await expect(depends).toContainText(/Database\s*reachable/);
    await expect(depends).toContainText(/Identity provider\s*reachable/);
    await expect(depends).toContainText(/Metrics sink\s*not configured/);
    await expect(page.getByText(/Every 1 min, updated/)).toBeVisible();
  });
}

test("who has no role is told so on every page", async ({ openAs }) => {
  const page = await openAs("nobody", "/ui/clusters");
  for (const path of PAGES) {
    await page.goto(path);
    await expect(page.getByRole("heading", { name: "You are not permitted to see this" })).toBeVisible();
    await expect(page.getByText("Noah Nobody")).toBeVisible();
  }
});

test("who is not signed in is sent to sign in from every page, and would come back to it", async ({
  page,
}) => {
  for (const path of PAGES) {
    await page.goto(path);
    await expect(page).toHaveURL(`/ui/login?next=${encodeURIComponent(path)}`);
    await expect(page.getByRole("link", { name: "Sign in" })).toHaveAttribute(
      "href",
      `/oidc/login?next=${encodeURIComponent(path)}`,
    );
  }
});
