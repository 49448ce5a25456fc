// The web UI in a real browser, against a running hub. See README.md for what has to be told by environment.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  outputDir: process.env.CM_RESULTS ?? "../../target/browser",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  fullyParallel: true,
  workers: Number(process.env.CM_WORKERS ?? 2),
  forbidOnly: true,
  reporter: [["list"]],
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
