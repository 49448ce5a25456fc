// The web UI in a real browser, against a running hub. README.md describes the projects and their variables.
import { defineConfig, type ReporterDescription } from "@playwright/test";

const reporters: ReporterDescription[] = [["list"]];
const report = process.env.CM_REPORT;
if (report !== undefined) reporters.push(["json", { outputFile: report }]);

/** Projects that need a hub of a special kind. All other tests belong to the project `hub`. */
const SPECIAL_HUBS = ["fleet", "empty", "unheard", "lxd", "screenshots", "bench"];
const filesOf = (name: string): string => `${name}*.spec.ts`;

export default defineConfig({
  testDir: ".",
  outputDir: process.env.CM_RESULTS ?? "../../target/browser",
  // Generous for busy machines. Tests that pass wait much less.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  fullyParallel: true,
  workers: Number(process.env.CM_WORKERS ?? 2),
  forbidOnly: true,
  reporter: reporters,
  projects: [
    { name: "hub", testIgnore: SPECIAL_HUBS.map(filesOf) },
    ...SPECIAL_HUBS.map((name) => ({ name, testMatch: filesOf(name) })),
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
