// Sessions: people see and end their own, an administrator everybody's.
import type { Browser, Page } from "@playwright/test";
import { expect, expectAccessible, signInAtProvider, test, type Account } from "./fixtures";
import { unique } from "./hub";
import { usesProvider } from "./settings";

test.skip(() => !usesProvider(), "only people who sign in at a provider have sessions");

/** Signs in in a browser of its own, which describes itself with this word. */
async function elsewhere(browser: Browser, account: Account, word: string): Promise<Page> {
  const userAgent = `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0 ${word}`;
  const context = await browser.newContext({ userAgent, ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto("/ui/settings");
  await signInAtProvider(page, account);
  await expect(page.getByRole("table", { name: "General" })).toBeVisible();
  return page;
}

function rowOf(page: Page, word: string): ReturnType<Page["locator"]> {
  return page.getByRole("row").filter({ has: page.locator(`[title*="${word}"]`) });
}

test("people end a session of theirs in another browser", async ({ openAs, browser }) => {
  const word = unique("other");
  const other = await elsewhere(browser, "viewer", word);
  const page = await openAs("viewer", "/ui/clusters");
  await page.getByRole("link", { name: "Sessions" }).click();
  await expect(page).toHaveURL(/\/ui\/sessions$/);
  await expect(page.getByRole("row").filter({ hasText: "This session" })).toHaveCount(1);
  await expect(page.getByRole("columnheader", { name: "Person" })).toHaveCount(0);
  await expect(page.getByLabel("Show")).toHaveCount(0);
  const row = rowOf(page, word);
  await expect(row).toContainText("Firefox on Windows");
  await row.getByRole("button", { name: /^End session of Vera Viewer/ }).click();
  const dialog = page.getByRole("dialog", { name: "End session?" });
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "End session" }).click();
  await expect(dialog).toBeHidden();
  await expect(row).toHaveCount(0);
  // The other browser's stream ends, and with it its page.
  await expect(other.getByRole("dialog", { name: "Your session has ended" })).toBeVisible({
    timeout: 15_000,
  });
  await other.context().close();
});

test("an administrator ends somebody else's session", async ({ openAs, browser }) => {
  const word = unique("operator");
  const other = await elsewhere(browser, "operator", word);
  const page = await openAs("admin", "/ui/sessions");
  await expect(page.getByRole("row").filter({ hasText: "This session" })).toHaveCount(1);
  await expect(rowOf(page, word)).toHaveCount(0);
  await page.getByLabel("Show").selectOption("All sessions");
  await expect(page).toHaveURL(/\/ui\/sessions\?all=true$/);
  const row = rowOf(page, word);
  await expect(row).toContainText("Olu Operator");
  await row.getByRole("button", { name: /^End session/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  await expect(row).toHaveCount(0);
  await page.goto("/ui/events?action=session.ended");
  await expect(page.getByRole("row").filter({ hasText: "Olu Operator" }).first()).toContainText(
    "Session ended",
  );
  await other.context().close();
});

test("ending one's own session asks to sign in again", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/sessions");
  const row = page.getByRole("row").filter({ hasText: "This session" });
  await row.getByRole("button", { name: /^End session/ }).click();
  const dialog = page.getByRole("dialog", { name: "End session?" });
  await expect(dialog).toContainText("the session that you are using now");
  await dialog.getByRole("button", { name: "End session" }).click();
  await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
});
