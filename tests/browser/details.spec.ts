// What people meet beside the main ways: moments of their own, changes under their hands, refusals.
import { expect, rowOf, test } from "./fixtures";
import { unique } from "./hub";

test("a token works until a moment of one's choice, which must be to come", async ({ hub, openAs }) => {
  const name = unique("until");
  hub.willGo([name]);
  const page = await openAs("operator", "/ui/clusters/tokens");
  await page.getByRole("button", { name: "Enrol cluster" }).first().click();
  await page.getByLabel("Cluster name").fill(name);
  await page.getByLabel("The token works for").selectOption({ label: "Until a moment of your choice" });
  const until = page.getByLabel("Until (UTC)");
  await until.fill("2020-01-02T03:04");
  await page.getByRole("button", { name: "Make the token" }).click();
  await expect(page.getByText("A moment in the future.")).toBeVisible();
  const chosen = new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 16);
  await until.fill(chosen);
  await page.getByRole("button", { name: "Make the token" }).click();
  const dialog = page.getByRole("dialog", { name: "Run this on the cluster" });
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
  await expect(row).toContainText("Live");
  await expect(row.locator(`time[datetime^="${chosen}"]`)).toHaveAttribute("title", /UTC$/);
});

test("a token expires before one's eyes", async ({ hub, openAs }) => {
  const name = unique("brief");
  // Long enough to be seen while it lives.
  await hub.token(name, "", new Date(Date.now() + 30_000));
  const page = await openAs("viewer", "/ui/clusters/tokens");
  const row = page.getByRole("row", { name });
  await expect(row).toContainText("Live");
  await expect(row).toContainText("Expired", { timeout: 60_000 });
});

test("a cluster is removed from its own page, which leads back to the list", async ({ hub, openAs }) => {
  const name = unique("leaves");
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
  await expect(page.getByRole("heading", { name: "There is no such cluster" })).toBeVisible();
  await page.getByRole("link", { name: "What happened to it" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Cluster removed" })).toContainText(name);
});

test("of many that are removed, the one that was gone already is named", async ({ hub, openAs }) => {
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
  await expect(dialog).toContainText("1 cluster removed, 1 cluster not.");
  await expect(dialog.getByRole("list", { name: "Those that failed" })).toHaveText(
    `${gone}: it no longer exists`,
  );
});

test("what is being typed is not lost to what arrives meanwhile, nor to a refusal", async ({
  hub,
  openAs,
}) => {
  const name = unique("typing");
  await hub.clusters([name], "first words");
  const page = await openAs("operator", `/ui/cluster/${name}`);
  await page.getByRole("button", { name: "Edit description" }).click();
  const field = page.getByRole("textbox", { name: "description" });
  await field.fill("my words");
  await hub.configure([name], { memory_threshold: 33, description: "other words" });
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("33 %");
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
  // What is in a field that is still open is text of the page, too.
  await expect(page.getByRole("button", { name: "Edit description" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText("my words");
  expect(await hub.cluster(name)).toMatchObject({ description: "my words", memory_threshold: 33 });
});

test("the fingerprint is copied", async ({ hub, openAs, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("print");
  await hub.clusters([name]);
  const page = await openAs("viewer", `/ui/cluster/${name}`);
  await page.getByRole("button", { name: "Copy the fingerprint" }).click();
  await expect(page.getByRole("button", { name: "Copy the fingerprint" })).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f]{64}$/);
});
