// What every test has: a hub to prepare, somebody to be, and a page that is watched.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base, type BrowserContext, type Page } from "@playwright/test";
import { Hub, setting } from "./hub";

export type Person = "admin" | "operator" | "viewer" | "nobody";

export const hasProvider = (process.env.CM_SIGN_IN ?? "token") === "provider";

interface Fixtures {
  hub: Hub;
  /** Opens a page as somebody. */
  openAs: (person: Person, path: string) => Promise<Page>;
  watched: void;
}

export const test = base.extend<Fixtures>({
  hub: async ({ baseURL }, use) => {
    const hub = await Hub.open(baseURL ?? "");
    await use(hub);
    await hub.close();
  },
  openAs: async ({ page, context }, use) => {
    await use(async (person, path) => {
      if (hasProvider) {
        await page.goto(path);
        await signInAtProvider(page, person);
      } else {
        await carryToken(context, person);
        await page.goto(path);
      }
      return page;
    });
  },
  watched: [
    async ({ page, baseURL }, use) => {
      const problems: string[] = [];
      const own = new URL(baseURL ?? "").hostname;
      page.on("pageerror", (error) => problems.push(`thrown: ${error.message}`));
      page.on("console", (message) => {
        if (/content security policy/i.test(message.text())) problems.push(message.text());
      });
      page.on("request", (request) => {
        const { protocol, hostname } = new URL(request.url());
        const isOurs =
          ["data:", "blob:"].includes(protocol) || [own, "127.0.0.1", "localhost"].includes(hostname);
        if (!isOurs) problems.push(`asked another host: ${request.url()}`);
      });
      await use();
      expect(problems).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** From our sign-in page, over the provider, back to where one wanted to go. */
export async function signInAtProvider(page: Page, person: Person): Promise<void> {
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: person, exact: true }).click();
  await page.waitForURL(/\/ui\//);
}

export async function carryToken(context: BrowserContext, person: Person): Promise<void> {
  const authorization = `Bearer ${setting(`CM_TOKEN_${person.toUpperCase()}`)}`;
  await context.setExtraHTTPHeaders({ authorization });
}

/** Nothing of WCAG 2.2 AA, or of good practice, is broken. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`,
  );
  expect(found).toEqual([]);
}

/** The row of a cluster. */
export function rowOf(page: Page, name: string): ReturnType<Page["locator"]> {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** The menu of what can be done with a cluster of the list. */
export async function openMenu(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}`, exact: true }).click();
}

/** Nothing of the hub's API is to be had any more, until `page.unrouteAll()`. */
export async function cutOff(page: Page): Promise<void> {
  await page.route("**/1.0/**", (route) => route.abort());
  await page.route("**/1.0", (route) => route.abort());
}

export function search(page: Page): ReturnType<Page["getByRole"]> {
  return page.getByRole("searchbox", { name: "Search names and descriptions" });
}
