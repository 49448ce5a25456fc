// The web UI in a real browser, against a running hub. See README.md for the projects and for what each has to be told.
import { defineConfig, type ReporterDescription } from "@playwright/test";

const reporters: ReporterDescription[] = [["list"]];
const report = process.env.CM_REPORT;
if (report !== undefined) reporters.push(["json", { outputFile: report }]);

/** Projects that need a hub of their own kind, and their files; all other tests are of the project `hub`. */
const OWN_KIND = ["fleet", "empty", "unheard", "lxd", "screenshots", "bench"];
const filesOf = (name: string): string => `${name}*.spec.ts`;

export default defineConfig({
  testDir: ".",
  outputDir: process.env.CM_RESULTS ?? "../../target/browser",
  // On a machine that has much else to do, too. Nothing waits for so long where all is well.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  fullyParallel: true,
  workers: Number(process.env.CM_WORKERS ?? 2),
  forbidOnly: true,
  reporter: reporters,
  projects: [
    { name: "hub", testIgnore: OWN_KIND.map(filesOf) },
    ...OWN_KIND.map((name) => ({ name, testMatch: filesOf(name) })),
  ],
  use: {
    baseURL: process.env.CM_BASE_URL ?? "https://localhost:9443",
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CM_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
      ],
    },
  },
});
