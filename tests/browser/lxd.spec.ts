// A real LXD with three running containers, and the real agent that reports for it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, rowOf, search, test } from "./fixtures";
import { runWithInput, shell, unique } from "./hub";
import { setting } from "./settings";

/** The agent of a cluster, which sends a heartbeat every second until the test ends. */
class Agent {
  private process: ChildProcess | null = null;

  private constructor(private readonly folder: string) {}

  static async create(): Promise<Agent> {
    return new Agent(await mkdtemp(join(tmpdir(), "cluster-agent-")));
  }

  async join(token: string): Promise<void> {
    await runWithInput(setting("CM_AGENT"), this.parameters("join", "-"), `${token}\n`);
  }

  start(): void {
    this.process = spawn(setting("CM_AGENT"), this.parameters("run", "--interval", "1"), { stdio: "ignore" });
  }

  async stop(): Promise<void> {
    if (this.process?.exitCode === null) {
      const exited = once(this.process, "exit");
      this.process.kill();
      await exited;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private parameters(...command: string[]): string[] {
    return ["--state-dir", this.folder, "--lxd-dir", setting("CM_LXD_DIR"), ...command];
  }
}

test("a real LXD is enrolled, shows a container that stops, and is removed", async ({
  hub,
  openAs,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("cellar");
  hub.cleanUp([name]);
  const agent = await Agent.create();
  try {
    const page = await openAs("operator", "/ui/clusters");
    await page.getByRole("button", { name: "Enrol cluster" }).first().click();
    await page.getByLabel("Cluster name").fill(name);
    await page.getByRole("textbox", { name: "Description" }).fill("three containers");
    await page.getByRole("button", { name: "Create token" }).click();
    const dialog = page.getByRole("dialog", { name: "Run this command on the cluster" });
    await dialog.getByRole("button", { name: "Copy command" }).click();
    await expect(dialog.getByRole("button", { name: "Copy command" })).toHaveText("Copied");
    const command = await page.evaluate(() => navigator.clipboard.readText());
    await dialog.getByRole("button", { name: "I have copied the command" }).click();

    await agent.join(command.split(" ").at(-1) ?? "");
    await expect(rowOf(page, name)).toContainText("three containers");
    agent.start();
    await expect(rowOf(page, name)).toContainText("Fresh");
    await expect(rowOf(page, name)).toContainText("3 of 3 running");
    await expect(rowOf(page, name)).toContainText("1 member");
    // From here on the page must not be reloaded, which would remove this mark.
    await page.evaluate(() => Object.assign(window, { isNotReloaded: true }));

    await shell(`LXD_DIR='${setting("CM_LXD_DIR")}' lxc stop --force web-2`);
    await expect(rowOf(page, name)).toContainText("2 of 3 running");
    await rowOf(page, name).getByRole("link", { name }).click();
    const instances = page.getByRole("region", { name: "Instances" });
    await expect(instances.getByRole("listitem").filter({ hasText: "Running" })).toHaveText(/^\s*2 Running$/);
    await expect(instances.getByRole("listitem").filter({ hasText: "Stopped" })).toHaveText(/^\s*1 Stopped$/);
    await expect(page.getByRole("region", { name: "Capacity" })).toContainText("default");

    await shell(`LXD_DIR='${setting("CM_LXD_DIR")}' lxc stop --force db-1`);
    await expect(instances.getByRole("listitem").filter({ hasText: "Stopped" })).toHaveText(/^\s*2 Stopped$/);

    // Nobody listens on the address of the metrics sink.
    await page.getByRole("link", { name: "Settings" }).click();
    const dependencies = page.getByRole("region", { name: "Dependencies" });
    await expect(dependencies).toContainText(/Metrics sink\s*Failing: .*refused.*waiting for/, {
      timeout: 90_000,
    });
    await page.getByRole("link", { name: "Clusters" }).first().click();
    await search(page).fill(name);
    await expect(rowOf(page, name)).toContainText("1 of 3 running");
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove 1 cluster" }).click();
    await expect(page.getByRole("dialog")).toContainText("1 cluster removed.");
    expect(await page.evaluate(() => "isNotReloaded" in window)).toBe(true);
    await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
    await expect(rowOf(page, name)).toHaveCount(0);
  } finally {
    await agent.stop();
  }
});
