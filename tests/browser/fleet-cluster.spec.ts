// The page of a cluster, with every kind of warning. tests/src/populated.rs defines what the clusters report.
import { expect, expectAccessible, rowOf, test } from "./fixtures";

const WARNINGS: [name: string, warning: RegExp, advice: RegExp][] = [
  ["berlin-00007", /critical.*no heartbeat for 4 d 3 h/i, /reach Cluster Manager's connector/],
  ["paris-00003", /warning.*no heartbeat for 1 d 5 h/i, /reach Cluster Manager's connector/],
  ["dublin-00006", /critical.*1 member is Offline/i, /bring the member back/],
  ["prague-00010", /critical.*1 member is Blocked/i, /bring the member back/],
  ["lisbon-00032", /critical.*1 Ceph service is Warning/i, /health of Ceph/],
  ["hamburg-00008", /critical.*storage pool local on micro00 is 97 ?% full, above 80 ?%/i, /Free space/],
  ["helsinki-00012", /warning.*memory is 91 ?% used, above 80 ?%/i, /Stop or move instances/],
  ["hamburg-00072", /warning.*1 instance is in Error/i, /instance's log/],
  ["porto-00017", /warning.*certificate expires in/i, /Renew the cluster's certificate/],
];

test("a warning has a text, a duration and advice", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/clusters");
  for (const [name, warning, advice] of WARNINGS) {
    await page.goto(`/ui/cluster/${name}`);
    const warnings = page.getByRole("list", { name: `Warnings for ${name}` }).getByRole("listitem");
    const one = warnings.filter({ hasText: warning });
    await expect(one).toContainText(advice);
    await expect(one.locator("time")).toHaveAttribute("title", /\d{4}.*UTC$/);
  }
});

test("a cluster's page shows everything the cluster reports", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/cluster/riga-00030");
  await expect(page.getByText("No warnings.")).toBeVisible();
  const health = page.getByRole("region", { name: "Health" });
  await expect(health).toContainText("Fresh");
  await expect(health).toContainText(/Last heartbeat.* ago/);
  await expect(health).toContainText("30 d ago");
  await expect(health).toContainText(/Tunnel.*Not open/);
  await expect(health.locator("time").first()).toHaveAttribute(
    "title",
    /^Since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
  );
  await expect(page.getByRole("region", { name: "Members" })).toContainText(/6 Online.*6 members in total/);
  const instances = page.getByRole("region", { name: "Instances" }).getByRole("listitem");
  // An unknown status is shown like the others.
  await expect(instances).toHaveText([
    /^\s*128 Running$/,
    /^\s*1 Stopped$/,
    /^\s*2 Thawing$/,
    "131 instances in total",
  ]);
  const capacity = page.getByRole("region", { name: "Capacity" });
  await expect(capacity).toContainText(/0\.62 over 1 min.*0\.90 over 5 min.*0\.70 over 15 min/);
  await expect(capacity.getByRole("meter", { name: "Memory" })).toHaveAttribute("aria-valuenow", "41");
  await expect(capacity).toContainText("30% (6.9 of 23.4 TiB)");
  const pools = capacity.getByRole("table", { name: "Storage pools, fullest first" }).getByRole("row");
  await expect(pools).toHaveCount(8);
  await expect(pools.nth(1)).toContainText(/local.*micro02.*60%/);
  await expect(pools.filter({ hasText: "remote" })).toContainText("Shared");
  const certificate = page.getByRole("region", { name: "Certificate" });
  await expect(certificate.locator("code")).toHaveText(/^[0-9a-f]{64}$/);
  await expect(certificate).toContainText(/Valid until\d{4}-\d\d-\d\d, in \d+ d/);
  await expect(page.getByRole("region", { name: "Configuration" })).toContainText(
    /Rack 30, hall 2.*80%.*80%/,
  );
  await expect(page.getByText(/Live, updated/)).toBeVisible();
});

test("only clusters with Ceph show Ceph services", async ({ openAs }) => {
  const page = await openAs("viewer", "/ui/cluster/lisbon-00032");
  await expect(page.getByRole("region", { name: "Ceph services" }).getByRole("listitem")).toHaveText([
    /^\s*3 Online$/,
    /^\s*1 Warning$/,
    "4 services in total",
  ]);
  await page.goto("/ui/cluster/riga-00030");
  await expect(page.getByRole("region", { name: "Capacity" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Ceph services" })).toHaveCount(0);
});

test("links encode the cluster's name", async ({ openAs }) => {
  const page = await openAs("viewer", `/ui/cluster/${encodeURIComponent("a/b?c#d%")}`);
  await expect(page.getByRole("link", { name: /^Metrics/ })).toHaveAttribute(
    "href",
    "https://grafana.example.com/lxd?orgId=1&var-job=a%2Fb%3Fc%23d%25",
  );
  await expect(page.getByRole("link", { name: /^Open LXD UI/ })).toHaveAttribute(
    "href",
    "https://site-21.example.org:8443",
  );
  await page.getByRole("main").getByRole("link", { name: "Events" }).click();
  await expect(page).toHaveURL(/cluster=a%2Fb%3Fc%23d%25$/);
  await expect(page.getByRole("textbox", { name: "Cluster" })).toHaveValue("a/b?c#d%");
});

test("hostile names are shown as text and link to their pages", async ({ openAs }) => {
  const hostile = [
    "a/b?c#d%",
    "<img src=x onerror=alert(1)>",
    // Invisible characters are shown escaped.
    String.raw`\u{202e}right to left`,
    "100%2F 🚀",
    "'; DROP TABLE remote_clusters; --",
    "ελληνικά & кириллица",
    `long-${"x".repeat(250)}`,
  ];
  const page = await openAs("viewer", "/ui/clusters?search=%3Cscript%3E&sort=name");
  page.on("dialog", () => {
    throw new Error("a name was executed");
  });
  await expect(page.locator("tbody tr")).toHaveCount(hostile.length);
  for (const name of hostile) {
    await expect(rowOf(page, name)).toContainText("<script>alert(1)</script>");
    await rowOf(page, name).getByRole("link", { name, exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
    await expect(page.getByRole("region", { name: "Health" })).toBeVisible();
    await page.goBack();
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme });
    test.slow();

    test("axe finds no problem on pages with many warnings", async ({ openAs }) => {
      const filter = "warning=heartbeat,members,storage&health=lost,late&limit=25";
      const page = await openAs("operator", `/ui/clusters?${filter}`);
      await expect(page.getByRole("table", { name: "Clusters" })).toBeVisible();
      await expectAccessible(page);
      for (const name of ["berlin-00007", "hamburg-00008"]) {
        await page.goto(`/ui/cluster/${name}`);
        await expect(page.getByRole("region", { name: "Capacity" })).toBeVisible();
        await expectAccessible(page);
      }
    });
  });
}
