// The web UI in a real browser, against a running hub. README.md describes the projects and their variables.
import { defineConfig, type ReporterDescription } from "@playwright/test";
import { settingOf } from "./settings";

const reporters: ReporterDescription[] = [["list"]];
const report = process.env.CM_REPORT;
if (report !== undefined) reporters.push(["json", { outputFile: report }]);

/** Projects that need a hub of a special kind. All other tests belong to the project `hub`. */
const SPECIAL_HUBS = ["no-connector", "fleet", "empty", "lxd", "screenshots", "bench"];
const filesOf = (name: string): string => `${name}*.spec.ts`;

/** The address of a project's hub; by default that of `make run`. */
const hubOf = (name: string): { baseURL: string } => ({
  baseURL: settingOf(name, "CM_BASE_URL") ?? "https://localhost:9000",
});

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
  // In the order in which tests start: first those that mostly wait, so that others run beside them.
  projects: [
    ...SPECIAL_HUBS.map((name) => ({ name, testMatch: filesOf(name), use: hubOf(name) })),
    { name: "hub", testIgnore: SPECIAL_HUBS.map(filesOf), use: hubOf("hub") },
  ],
  use: {
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
