// A hub whose connector is away: nobody hears the clusters.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, expectAccessible, test } from "./fixtures";
import { setting } from "./hub";

interface Connector {
  program: string;
  arguments: string[];
  environment: Record<string, string>;
}

/** A hub is only away when it was so for a while, and the page asks now and then. */
const PATIENCE = { timeout: 120_000 };

test("a hub that accepts no heartbeats says so, until it does again", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters");
  const alert = page.getByRole("alert").filter({ hasText: "Cluster Manager accepts no heartbeats" });
  await expect(alert).toBeVisible(PATIENCE);
  await expect(alert).toContainText("None of them is called late or lost");
  await expectAccessible(page);

  const connector = JSON.parse(setting("CM_CONNECTOR")) as Connector;
  const running = spawn(connector.program, connector.arguments, {
    env: { ...process.env, ...connector.environment },
    stdio: "ignore",
  });
  try {
    await expect(alert).toHaveCount(0, PATIENCE);
  } finally {
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }
  await expect(alert).toBeVisible(PATIENCE);
});
