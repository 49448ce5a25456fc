import { expect, signInAtProvider, test } from "./fixtures";

test("signing in returns to the requested page", async ({ page, hub }) => {
  const name = "deep/link?to#it%";
  await hub.clusters([name]);
  await page.goto(`/ui/cluster/${encodeURIComponent(name)}`);
  await signInAtProvider(page, "viewer");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  await page.getByRole("link", { name: "Sign out" }).click();
  // The provider asks whether to sign out there too.
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("signing out in another window ends the session, and signing in returns to the page", async ({
  openAs,
  context,
}) => {
  const page = await openAs("viewer", "/ui/events");
  await expect(page.getByRole("table", { name: "Events, newest first" })).toBeVisible();
  const other = await context.newPage();
  await other.goto("/ui/clusters");
  await other.getByRole("link", { name: "Sign out" }).click();
  await other.getByRole("button", { name: "Sign out" }).click();
  await expect(other.getByRole("link", { name: "Sign in" })).toBeVisible();
  // The stream of changes ends with the session, so the page learns of it at once.
  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await page.mouse.click(3, 3);
  await dialog.getByRole("link", { name: "Sign in again" }).click();
  await page.getByRole("link", { name: "operator", exact: true }).click();
  await expect(page).toHaveURL(/\/ui\/events$/);
  await expect(page.getByRole("table", { name: "Events, newest first" })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("operator");
});

test("a lost session is reported and keeps the page", async ({ openAs, context }) => {
  const page = await openAs("viewer", "/ui/settings");
  await expect(page.getByRole("table", { name: "General" })).toBeVisible();
  await context.clearCookies();
  await page.getByRole("link", { name: "Events" }).click();
  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(dialog.getByRole("link", { name: "Sign in again" })).toHaveAttribute(
    "href",
    "/oidc/login?next=%2Fui%2Fevents",
  );
});
