// A real LXD with three running containers, and the real agent that reports of it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, rowOf, search, test } from "./fixtures";
import { feed, setting, shell, unique } from "./hub";

/** The agent of a site, reporting every second until the test ends. */
class Agent {
  private running: ChildProcess | null = null;

  private constructor(private readonly folder: string) {}

  static async make(): Promise<Agent> {
    return new Agent(await mkdtemp(join(tmpdir(), "cluster-agent-")));
  }

  async join(token: string): Promise<void> {
    await feed(setting("CM_AGENT"), this.parameters("join", "-"), `${token}\n`);
  }

  report(): void {
    this.running = spawn(setting("CM_AGENT"), this.parameters("run", "--interval", "1"), { stdio: "ignore" });
  }

  async end(): Promise<void> {
    if (this.running?.exitCode === null) {
      const ended = once(this.running, "exit");
      this.running.kill();
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private parameters(...command: string[]): string[] {
    return ["--state-dir", this.folder, "--lxd-dir", setting("CM_LXD_DIR"), ...command];
  }
}

test("a real LXD is enrolled, seen, seen to stop a container, and removed", async ({
  hub,
  openAs,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("cellar");
  hub.willGo([name]);
  const agent = await Agent.make();
  try {
    const page = await openAs("operator", "/ui/clusters");
    await page.getByRole("button", { name: "Enrol cluster" }).first().click();
    await page.getByLabel("Cluster name").fill(name);
    await page.getByRole("textbox", { name: "Description" }).fill("three containers");
    await page.getByRole("button", { name: "Make the token" }).click();
    const dialog = page.getByRole("dialog", { name: "Run this on the cluster" });
    await dialog.getByRole("button", { name: "Copy the command" }).click();
    await expect(dialog.getByRole("button", { name: "Copy the command" })).toHaveText("Copied");
    const command = await page.evaluate(() => navigator.clipboard.readText());
    await dialog.getByRole("button", { name: "I have copied the command: close" }).click();

    await agent.join(command.split(" ").at(-1) ?? "");
    await expect(rowOf(page, name)).toContainText("three containers");
    agent.report();
    await expect(rowOf(page, name)).toContainText("Fresh");
    await expect(rowOf(page, name)).toContainText("3 of 3 running");
    await expect(rowOf(page, name)).toContainText("1 member");
    // From here on nothing is loaded anew: what was set would be gone.
    await page.evaluate(() => Object.assign(window, { isStillThere: true }));

    await shell(`LXD_DIR='${setting("CM_LXD_DIR")}' lxc stop --force web-2`);
    await expect(rowOf(page, name)).toContainText("2 of 3 running");
    await rowOf(page, name).getByRole("link", { name }).click();
    const instances = page.getByRole("region", { name: "Instances" });
    await expect(instances.getByRole("listitem").filter({ hasText: "Running" })).toHaveText(/^\s*2 Running$/);
    await expect(instances.getByRole("listitem").filter({ hasText: "Stopped" })).toHaveText(/^\s*1 Stopped$/);
    await expect(page.getByRole("region", { name: "Capacity" })).toContainText("default");

    await shell(`LXD_DIR='${setting("CM_LXD_DIR")}' lxc stop --force db-1`);
    await expect(instances.getByRole("listitem").filter({ hasText: "Stopped" })).toHaveText(/^\s*2 Stopped$/);

    // Its metrics are to go where nobody listens.
    await page.getByRole("link", { name: "Settings" }).click();
    const depends = page.getByRole("region", { name: "What Cluster Manager depends on" });
    await expect(depends).toContainText(/Metrics sink\s*failing: .*refused.*waiting for/, {
      timeout: 90_000,
    });
    await page.getByRole("link", { name: "Clusters" }).first().click();
    await search(page).fill(name);
    await expect(rowOf(page, name)).toContainText("1 of 3 running");
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove 1 cluster" }).click();
    await expect(page.getByRole("dialog")).toContainText("1 cluster removed.");
    expect(await page.evaluate(() => "isStillThere" in window)).toBe(true);
    await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
    await expect(rowOf(page, name)).toHaveCount(0);
  } finally {
    await agent.end();
  }
});
