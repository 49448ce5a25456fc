// Measures what the list costs a browser, without assertions on the figures. `make bench` prints them.
import { writeFile } from "node:fs/promises";
import type { Browser, CDPSession, Page } from "@playwright/test";
import { carryToken, expect, search, test } from "./fixtures";
import { setting } from "./settings";

const ROUNDS = 10;

/** One visit of the list with an empty cache, followed by sorting, searching and paging. */
interface Round {
  /** Bytes received from the network, including headers, until the rows are shown and the page is idle. */
  pages_bytes: number;
  api_bytes: number;
  /** The largest body of an API response, uncompressed. */
  largest_answer_bytes: number;
  largest_answer: string;
  /** From the start of the navigation until the first rows were painted. */
  first_rows_ms: number;
  /** CPU time of the page's main thread in that time, which is comparable even if the machine has other work. */
  first_rows_cpu_ms: number;
  /** `first_rows_ms` with the UI's files in the browser's cache. */
  first_rows_again_ms: number;
  /** From a click to changed rows. */
  sorted_ms: number;
  searched_ms: number;
  /** The longest time for which the page was blocked. */
  longest_task_ms: number;
  /** The CPU time of the longest task, which other work on the machine does not affect. */
  longest_task_cpu_ms: number;
}

declare global {
  interface Window {
    firstRows: number | null;
    longest: number;
  }
}

/** Runs in the page before any of its own scripts. */
function observe(): void {
  window.firstRows = null;
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
  }).observe({ type: "longtask", buffered: true });
  const checkRows = (): void => {
    if (document.querySelector("table.clusters tbody tr") === null) {
      requestAnimationFrame(checkRows);
      return;
    }
    // The rows are painted in the frame after the one in which they were inserted.
    requestAnimationFrame(() => (window.firstRows = performance.now()));
  };
  requestAnimationFrame(checkRows);
}

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** CPU time in microseconds. */
  tdur?: number;
  args?: { name?: string };
}

/** A trace of the main threads of the browser's pages. */
class Trace {
  private readonly events: TraceEvent[] = [];

  private constructor(private readonly session: CDPSession) {}

  static async begin(browser: Browser): Promise<Trace> {
    const session = await browser.newBrowserCDPSession();
    const trace = new Trace(session);
    session.on("Tracing.dataCollected", ({ value }) => trace.events.push(...(value as TraceEvent[])));
    await session.send("Tracing.start", { traceConfig: { includedCategories: ["toplevel", "__metadata"] } });
    return trace;
  }

  /** The CPU time of a page's longest task, in milliseconds. */
  async longestTask(): Promise<number> {
    const complete = new Promise((resolve) => this.session.once("Tracing.tracingComplete", resolve));
    await this.session.send("Tracing.end");
    await complete;
    await this.session.detach();
    const names = this.events.filter(({ name }) => name === "thread_name");
    const mains = names.filter(({ args }) => args?.name === "CrRendererMain");
    const ofPage = this.events.filter(({ pid, tid }) =>
      mains.some((main) => main.pid === pid && main.tid === tid),
    );
    const tasks = ofPage.filter(({ name }) => name === "ThreadControllerImpl::RunTask");
    return tasks.reduce((max, { tdur = 0 }) => Math.max(max, tdur), 0) / 1000;
  }
}

/** Counts the bytes received from the network. */
class Traffic {
  private readonly urls = new Map<string, string>();
  private readonly bodies = new Map<string, number>();
  private readonly finished = new Map<string, number>();

  static async of(session: CDPSession): Promise<Traffic> {
    const traffic = new Traffic();
    session.on("Network.requestWillBeSent", ({ requestId, request }) => {
      traffic.urls.set(requestId, request.url);
    });
    session.on("Network.dataReceived", ({ requestId, dataLength }) => {
      traffic.bodies.set(requestId, (traffic.bodies.get(requestId) ?? 0) + dataLength);
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      traffic.finished.set(requestId, encodedDataLength);
    });
    await session.send("Network.enable");
    return traffic;
  }

  bytes(ofApi: boolean): number {
    const matching = [...this.finished].filter(([id]) => isApi(this.urls.get(id)) === ofApi);
    return matching.reduce((sum, [, length]) => sum + length, 0);
  }

  largestResponse(): [url: string, bytes: number] {
    const responses = [...this.bodies].map(([id, bytes]): [string, number] => [
      this.urls.get(id) ?? "",
      bytes,
    ]);
    const ofApi = responses.filter(([url]) => isApi(url) && !url.endsWith("/1.0/changes"));
    return ofApi.toSorted(([, a], [, b]) => b - a)[0] ?? ["", 0];
  }
}

function isApi(url: string | undefined): boolean {
  return url !== undefined && new URL(url).pathname.startsWith("/1.0");
}

async function measure(browser: Browser, baseURL: string): Promise<Round> {
  const context = await browser.newContext({ baseURL, ignoreHTTPSErrors: true });
  await carryToken(context, "viewer");
  await context.addInitScript(observe);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const traffic = await Traffic.of(session);
  const trace = await Trace.begin(browser);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto("/ui/clusters");
  const first_rows_ms = await firstRows(page);
  const { metrics } = await session.send("Performance.getMetrics");
  const first_rows_cpu_ms = 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
  await expect(page.getByText(/Live, updated/)).toBeVisible();
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  const [pages_bytes, api_bytes] = [traffic.bytes(false), traffic.bytes(true)];
  const shown = page.locator("tbody").getByRole("rowheader").getByRole("link");

  const [first] = await shown.allTextContents();
  const sorted_ms = await timed(async () => {
    await page.getByRole("columnheader").getByRole("button", { name: "Memory", exact: true }).click();
    await firstRow(page, "is not", first ?? "");
  });
  const searched_ms = await timed(async () => {
    await search(page).fill("lisbon");
    await firstRow(page, "begins with", "lisbon");
  });
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByRole("navigation", { name: "Pages" })).toContainText("51 to 100 of 625");
  const longestBefore = await page.evaluate(() => window.longest);
  await page.goto("/ui/clusters?limit=75");
  const first_rows_again_ms = await firstRows(page);
  const longest_task_ms = Math.max(longestBefore, await page.evaluate(() => window.longest));
  const [largest_answer, largest_answer_bytes] = traffic.largestResponse();
  const longest_task_cpu_ms = await trace.longestTask();
  await context.close();
  return {
    pages_bytes,
    api_bytes,
    largest_answer_bytes,
    largest_answer: largest_answer.replace(baseURL, ""),
    first_rows_ms,
    first_rows_cpu_ms,
    first_rows_again_ms,
    sorted_ms,
    searched_ms,
    longest_task_ms,
    longest_task_cpu_ms,
  };
}

async function firstRows(page: Page): Promise<number> {
  const handle = await page.waitForFunction(() => window.firstRows);
  return (await handle.jsonValue()) ?? Number.NaN;
}

/** Checked in every frame, because assertions check at growing intervals. */
async function firstRow(page: Page, how: "is not" | "begins with", text: string): Promise<void> {
  await page.waitForFunction(
    ([how, text]) => {
      const name = document.querySelector("table.clusters tbody th a")?.textContent;
      if (name === undefined) return false;
      return how === "is not" ? name !== text : name.startsWith(text);
    },
    [how, text] as const,
  );
}

async function timed(action: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

// Recording a trace for failures would take the page's own time.
test.use({ trace: "off" });

test("the list of ten thousand clusters is opened, sorted and searched", async ({ browser, baseURL }) => {
  test.setTimeout(600_000);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(browser, baseURL ?? ""));
  await writeFile(setting("CM_FIGURES"), JSON.stringify(rounds));
});
