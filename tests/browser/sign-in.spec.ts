import { expect, hasProvider, signInAtProvider, test } from "./fixtures";

test("who is not signed in is asked to, and told nothing", async ({ page }) => {
  await page.goto("/ui/events?action=token");
  await expect(page).toHaveURL(/\/ui\/login\?next=%2Fui%2Fevents%3Faction%3Dtoken$/);
  await expect(page.getByRole("link", { name: "Sign in" })).toHaveAttribute(
    "href",
    "/oidc/login?next=%2Fui%2Fevents%3Faction%3Dtoken",
  );
});

test("signing in leads to where one wanted to go", async ({ page, hub }) => {
  test.skip(!hasProvider, "needs the identity provider");
  const name = "deep/link?to#it%";
  await hub.clusters([name]);
  await page.goto(`/ui/cluster/${encodeURIComponent(name)}`);
  await signInAtProvider(page, "viewer");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  await page.getByRole("link", { name: "Sign out" }).click();
  // The provider asks whether one wants to be signed out there too.
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("who has no role is told so", async ({ openAs }) => {
  test.skip(!hasProvider, "needs the identity provider");
  const page = await openAs("nobody", "/ui/clusters");
  await expect(page.getByRole("heading", { name: "You are not permitted to see this" })).toBeVisible();
  await expect(page.getByText("Noah Nobody")).toBeVisible();
});

test("a session that ends says so, and keeps the page", async ({ openAs, context }) => {
  const page = await openAs("viewer", "/ui/settings");
  await expect(page.getByRole("table", { name: "General" })).toBeVisible();
  await context.clearCookies();
  await context.setExtraHTTPHeaders({});
  await page.getByRole("link", { name: "Events" }).click();
  const dialog = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog.getByRole("link", { name: "Sign in again" })).toHaveAttribute(
    "href",
    "/oidc/login?next=%2Fui%2Fevents",
  );
});
