// A hub without a running connector, which receives no heartbeats.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, expectAccessible, test } from "./fixtures";
import { setting } from "./settings";

interface Connector {
  program: string;
  arguments: string[];
  environment: Record<string, string>;
}

/** The outage begins only after a while without a connector, and the page polls. */
const OUTAGE_CHANGE = { timeout: 120_000 };

test("a hub without a connector says that it receives no heartbeats", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters");
  const alert = page.getByRole("alert").filter({ hasText: "Cluster Manager is not receiving heartbeats" });
  await expect(alert).toBeVisible(OUTAGE_CHANGE);
  await expect(alert).toContainText("No cluster becomes late or lost");
  await expectAccessible(page);

  const connector = JSON.parse(setting("CM_CONNECTOR")) as Connector;
  const running = spawn(connector.program, connector.arguments, {
    env: { ...process.env, ...connector.environment },
    stdio: "ignore",
  });
  try {
    await expect(alert).toHaveCount(0, OUTAGE_CHANGE);
  } finally {
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  }
  await expect(alert).toBeVisible(OUTAGE_CHANGE);
});
