import { expect, rowOf, search, test } from "./fixtures";
import { simulate, unique } from "./hub";

test("a cluster is enrolled by form and command, joins, and appears in the list", async ({
  hub,
  openAs,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("enrolled");
  hub.cleanUp([name]);
  const page = await openAs("operator", "/ui/clusters");
  await search(page).fill(name);
  await expect(page).toHaveURL(/search=/);
  await page.getByRole("button", { name: "Enrol cluster" }).click();
  await page.getByLabel("Cluster name").fill(name);
  await page.getByRole("textbox", { name: "Description" }).fill("by the door");
  await page.getByRole("button", { name: "Create token" }).click();

  const dialog = page.getByRole("dialog", { name: "Run this command on the cluster" });
  await expect(dialog).toContainText("This command is shown only once");
  await page.keyboard.press("Escape");
  await page.mouse.click(3, 3);
  await page.evaluate(() => {
    history.back();
  });
  await expect(page).toHaveURL(/search=/);
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "Copy command" }).click();
  await expect(dialog.getByRole("button", { name: "Copy command" })).toHaveText("Copied");
  const command = await page.evaluate(() => navigator.clipboard.readText());
  expect(command).toMatch(/^microcloud cluster-manager join \S+$/);

  await simulate([command.split(" ").at(-1) ?? ""]);
  await dialog.getByRole("button", { name: "I have copied the command" }).click();
  await expect(rowOf(page, name)).toContainText("by the door");
});

test("a taken or invalid name is reported while it is typed", async ({ hub, openAs }) => {
  const name = unique("taken/name");
  await hub.clusters([name]);
  const unused = unique("unused");
  await hub.token(unused);
  const page = await openAs("operator", "/ui/clusters");
  await page.getByRole("button", { name: "Enrol cluster" }).click();
  const field = page.getByLabel("Cluster name");
  await field.fill(name);
  await expect(page.getByText("A cluster with this name already exists.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Create token" })).toBeDisabled();
  await field.fill(unused);
  await expect(page.getByText("A join token for this name already exists.")).toBeVisible();
  await field.fill("x".repeat(256));
  await expect(page.getByText("at most 255 characters")).toBeVisible();
});

test("one cluster is configured in place", async ({ hub, openAs }) => {
  const name = unique("in-place");
  await hub.clusters([name], "before");
  const page = await openAs("operator", `/ui/cluster/${name}`);
  await page.getByRole("button", { name: "Edit memory threshold" }).click();
  await page.getByRole("textbox", { name: "memory threshold" }).fill("101");
  await expect(page.getByText("Enter a whole number from 0 to 100.")).toBeVisible();
  await page.getByRole("textbox", { name: "memory threshold" }).fill("70");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("70%");
  expect(await hub.cluster(name)).toMatchObject({
    memory_threshold: 70,
    disk_threshold: 80,
    description: "before",
  });
});

test("several clusters are configured at once, and the failed one is named", async ({ hub, openAs }) => {
  const mark = unique("many");
  const [first, second, gone] = [`${mark}-1`, `${mark}-2`, `${mark}-3`];
  await hub.clusters([first, second, gone], "kept");
  const page = await openAs("operator", `/ui/clusters?search=${mark}`);
  await rowOf(page, first).getByRole("checkbox").check({ force: true });
  await rowOf(page, second).getByRole("checkbox").check({ force: true });
  await rowOf(page, gone).getByRole("checkbox").check({ force: true });
  await expect(page.getByText("3 clusters selected")).toBeVisible();
  await page.getByRole("button", { name: "Configure", exact: true }).click();
  await hub.remove([gone]);
  await page.getByLabel("Storage threshold").fill("55");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("2 clusters configured, 1 failed.")).toBeVisible();
  await expect(page.getByRole("list", { name: "Failures" })).toHaveText(`${gone}: it no longer exists`);
  expect(await hub.cluster(first)).toMatchObject({
    disk_threshold: 55,
    memory_threshold: 80,
    description: "kept",
  });
});

test("all matching clusters are configured at once", async ({ hub, openAs }) => {
  const mark = unique("matching");
  const names = ["1", "2", "3"].map((number) => `${mark}-${number}`);
  await hub.clusters(names);
  const page = await openAs("operator", `/ui/clusters?search=${mark}`);
  await rowOf(page, names[0] ?? "")
    .getByRole("checkbox")
    .check({ force: true });
  await page.getByRole("button", { name: "Configure all 3 matching clusters" }).click();
  await page.getByLabel("Memory threshold").fill("66");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("All matching clusters were configured.")).toBeVisible();
  expect(await hub.cluster(names[2] ?? "")).toMatchObject({
    memory_threshold: 66,
  });
});

test("removal lists the names, asks for confirmation and can be cancelled", async ({ hub, openAs }) => {
  const mark = unique("removed");
  const names = [`${mark}-1`, `${mark}-2`];
  await hub.clusters(names);
  const page = await openAs("operator", `/ui/clusters?search=${mark}`);
  await expect(rowOf(page, names[1] ?? "")).toBeVisible();
  await page.getByRole("checkbox", { name: "Select all on this page" }).check({ force: true });
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("list", { name: "Names" }).getByRole("listitem")).toHaveCount(2);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(rowOf(page, names[0] ?? "")).toBeVisible();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await dialog.getByRole("button", { name: "Remove 2 clusters" }).click();
  await expect(dialog).toContainText("2 clusters removed.");
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page.getByRole("heading", { name: "No matching clusters" })).toBeVisible();
  await expect(search(page)).toHaveValue(mark);
});

test("one token or several are revoked", async ({ hub, openAs }) => {
  const mark = unique("token");
  const names = ["1", "2", "3"].map((number) => `${mark}-${number}`);
  for (const name of names) await hub.token(name, "for the test");
  const page = await openAs("operator", "/ui/clusters/tokens");
  const row = (name: string | undefined): ReturnType<typeof page.getByRole> =>
    page.getByRole("row", { name });
  await expect(row(names[0])).toContainText("Valid");
  await page.getByRole("button", { name: `Revoke token for ${names[0] ?? ""}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke 1 token" }).click();
  await expect(page.getByRole("dialog")).toContainText("1 token revoked.");
  await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
  await expect(row(names[0])).toHaveCount(0);
  for (const name of names.slice(1)) {
    // By keyboard, because rows move when other tests create or revoke tokens.
    const checkbox = page.getByRole("checkbox", { name: `Select ${name}` });
    await checkbox.focus();
    await page.keyboard.press("Space");
    await expect(checkbox).toBeChecked();
  }
  await page.getByRole("button", { name: "Revoke", exact: true }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke 2 tokens" }).click();
  await expect(page.getByRole("dialog")).toContainText("2 tokens revoked.");
});

test("the audit trail shows changes and filters by action", async ({ hub, openAs }) => {
  const name = unique("trail");
  await hub.clusters([name], "old words");
  await hub.configure([name], { description: "new words" });
  const page = await openAs("viewer", `/ui/events?cluster=${name}`);
  const row = page.getByRole("row").filter({ hasText: "Cluster configured" });
  await row.getByText("description").first().click();
  await expect(row).toContainText("old words");
  await expect(row).toContainText("new words");
  await page.getByRole("combobox", { name: "Action" }).selectOption("cluster.joined");
  await expect(page.getByRole("row").filter({ hasText: "Cluster joined" })).toBeVisible();
  await expect(row).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Action" })).toHaveValue("cluster.joined");
});

test("settings mask secrets", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/settings");
  const database = page.getByRole("row").filter({ hasText: "db_connection_string" });
  await expect(database).toContainText("********");
  await expect(database).toContainText("Masked");
  await expect(page.getByRole("region", { name: "Dependencies" })).toContainText("Reachable");
});

test("a viewer is offered no action that changes anything", async ({ hub, openAs }) => {
  const name = unique("viewed");
  await hub.clusters([name]);
  const page = await openAs("viewer", `/ui/clusters?search=${name}`);
  await rowOf(page, name)
    .getByRole("button", { name: `Actions for ${name}` })
    .click();
  await expect(page.getByRole("link", { name: /^Open LXD UI/ })).toBeVisible();
  for (const action of ["Configure", "Remove", "Enrol cluster"]) {
    await expect(page.getByRole("button", { name: action, exact: true })).toHaveCount(0);
  }
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await rowOf(page, name).getByRole("link", { name }).click();
  await expect(page.getByRole("region", { name: "Configuration" })).toBeVisible();
  await expect(page.getByRole("button", { name: /Edit|Configure|Remove/ })).toHaveCount(0);
});
