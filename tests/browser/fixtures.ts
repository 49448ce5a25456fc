// The fixtures of every test: a hub to prepare, an account to sign in with, and a page that is checked for problems.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base, type BrowserContext, type Page } from "@playwright/test";
import { Hub } from "./hub";
import { setting, usesProvider } from "./settings";

export type Account = "admin" | "operator" | "viewer" | "nobody";

interface Fixtures {
  hub: Hub;
  /** Opens a page, signed in as this account. */
  openAs: (account: Account, path: string) => Promise<Page>;
  checked: void;
}

export const test = base.extend<Fixtures>({
  hub: async ({ baseURL }, use) => {
    const hub = await Hub.open(baseURL ?? "");
    await use(hub);
    await hub.close();
  },
  openAs: async ({ page, context }, use) => {
    await use(async (account, path) => {
      if (usesProvider()) {
        await page.goto(path);
        await signInAtProvider(page, account);
      } else {
        await sendToken(context, account);
        await page.goto(path);
      }
      return page;
    });
  },
  checked: [
    async ({ page, baseURL }, use) => {
      const problems: string[] = [];
      const own = new URL(baseURL ?? "").hostname;
      page.on("pageerror", (error) => problems.push(`uncaught error: ${error.message}`));
      page.on("console", (message) => {
        if (/content security policy/i.test(message.text())) problems.push(message.text());
      });
      page.on("request", (request) => {
        const { protocol, hostname } = new URL(request.url());
        const isOwn =
          ["data:", "blob:"].includes(protocol) || [own, "127.0.0.1", "localhost"].includes(hostname);
        if (!isOwn) problems.push(`request to another host: ${request.url()}`);
      });
      await use();
      expect(problems).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Signs in from the UI's sign-in page, at the provider, back to the requested page. */
export async function signInAtProvider(page: Page, account: Account): Promise<void> {
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: account, exact: true }).click();
  await page.waitForURL(/\/ui\//);
}

/** Sends the token of a service account with every request of the context. */
export async function sendToken(context: BrowserContext, account: Account): Promise<void> {
  const authorization = `Bearer ${setting(`CM_TOKEN_${account.toUpperCase()}`)}`;
  await context.setExtraHTTPHeaders({ authorization });
}

/** Expects no violation of WCAG 2.2 AA or of axe's best practices. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const problems = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`,
  );
  expect(problems).toEqual([]);
}

/** The row of a cluster in the list. */
export function rowOf(page: Page, name: string): ReturnType<Page["locator"]> {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** Opens the menu of a cluster in the list. */
export async function openMenu(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}`, exact: true }).click();
}

/** Makes all requests to the hub's API fail until `page.unrouteAll()`. */
export async function blockApi(page: Page): Promise<void> {
  await page.route("**/1.0/**", (route) => route.abort());
  await page.route("**/1.0", (route) => route.abort());
}

export function search(page: Page): ReturnType<Page["getByRole"]> {
  return page.getByRole("searchbox", { name: "Search names and descriptions" });
}
