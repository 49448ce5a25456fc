// Less common cases: custom expiries, concurrent changes and refusals.
import { expect, rowOf, test } from "./fixtures";
import { unique } from "./hub";

test("a custom expiry must be in the future", async ({ hub, openAs }) => {
  const name = unique("until");
  hub.cleanUp([name]);
  const page = await openAs("operator", "/ui/clusters/tokens");
  await page.getByRole("button", { name: "Enrol cluster" }).first().click();
  await page.getByLabel("Cluster name").fill(name);
  await page.getByLabel("Token valid for").selectOption({ label: "Custom date and time" });
  const until = page.getByLabel("Valid until (UTC)");
  await until.fill("2020-01-02T03:04");
  await page.getByRole("button", { name: "Create token" }).click();
  await expect(page.getByText("Enter a date and time in the future.")).toBeVisible();
  const chosen = new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 16);
  await until.fill(chosen);
  await page.getByRole("button", { name: "Create token" }).click();
  const dialog = page.getByRole("dialog", { name: "Run this command on the cluster" });
  await expect(dialog).toContainText(`${chosen.slice(11)}:00 UTC`);

  // Closing the window asks first.
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const question = await asked;
  expect(question.type()).toBe("beforeunload");
  await question.dismiss();
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: /^I have copied/ }).click();
  const row = page.getByRole("row", { name });
  await expect(row).toContainText("Valid");
  await expect(row.locator(`time[datetime^="${chosen}"]`)).toHaveAttribute("title", /UTC$/);
});

test("a token expires while it is shown", async ({ hub, openAs }) => {
  const name = unique("brief");
  // Long enough to be seen while it is valid.
  await hub.token(name, "", new Date(Date.now() + 30_000));
  const page = await openAs("viewer", "/ui/clusters/tokens");
  const row = page.getByRole("row", { name });
  await expect(row).toContainText("Valid");
  await expect(row).toContainText("Expired", { timeout: 60_000 });
});

test("a cluster is removed from its own page, which returns to the list", async ({ hub, openAs }) => {
  const name = unique("removed");
  await hub.clusters([name]);
  const page = await openAs("operator", `/ui/cluster/${name}`);
  await page.getByRole("main").getByRole("button", { name: "Remove", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("list", { name: "Names" })).toHaveText(name);
  await dialog.getByRole("button", { name: "Remove 1 cluster" }).click();
  await expect(dialog).toContainText("1 cluster removed.");
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page).toHaveURL(/\/ui\/clusters$/);
  await page.goto(`/ui/cluster/${name}`);
  await expect(page.getByRole("heading", { name: "Cluster not found" })).toBeVisible();
  await page.getByRole("link", { name: "View events for this name" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Cluster removed" })).toContainText(name);
});

test("removing several clusters names the one that no longer exists", async ({ hub, openAs }) => {
  const mark = unique("some");
  const [first, gone] = [`${mark}-1`, `${mark}-2`];
  await hub.clusters([first, gone]);
  const page = await openAs("operator", `/ui/clusters?search=${mark}`);
  await expect(rowOf(page, gone)).toBeVisible();
  await page.getByRole("checkbox", { name: "Select all on this page" }).check({ force: true });
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await hub.remove([gone]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Remove 2 clusters" }).click();
  await expect(dialog).toContainText("1 cluster removed, 1 failed.");
  await expect(dialog.getByRole("list", { name: "Failures" })).toHaveText(`${gone}: it no longer exists`);
});

test("typed text survives updates and failed requests", async ({ hub, openAs }) => {
  const name = unique("typing");
  await hub.clusters([name], "first words");
  const page = await openAs("operator", `/ui/cluster/${name}`);
  await page.getByRole("button", { name: "Edit description" }).click();
  const field = page.getByRole("textbox", { name: "description" });
  await field.fill("my words");
  await hub.configure([name], { memory_threshold: 33, description: "other words" });
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("33%");
  await expect(field).toHaveValue("my words");
  await page.route("**/1.0/remote-cluster/*", (route) =>
    route.request().method() === "PATCH" ? route.abort() : route.continue(),
  );
  await page.getByRole("button", { name: "Save description" }).click();
  await expect(page.getByRole("region", { name: "Configuration" }).getByRole("alert")).toContainText(
    "Cluster Manager cannot be reached.",
  );
  await expect(field).toHaveValue("my words");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Save description" }).click();
  // The text of a field that is still open would match too.
  await expect(page.getByRole("button", { name: "Edit description" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("my words");
  expect(await hub.cluster(name)).toMatchObject({ description: "my words", memory_threshold: 33 });
});

test("the fingerprint is copied", async ({ hub, openAs, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("print");
  await hub.clusters([name]);
  const page = await openAs("viewer", `/ui/cluster/${name}`);
  await page.getByRole("button", { name: "Copy fingerprint" }).click();
  await expect(page.getByRole("button", { name: "Copy fingerprint" })).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f]{64}$/);
});
