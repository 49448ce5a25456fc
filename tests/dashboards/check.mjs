// Checks the Grafana dashboards without Grafana. Prints their expressions as a Prometheus rule file, so that promtool can
// check them; prints other problems and exits with 1.
//
// Usage: node check.mjs DASHBOARD.json...
import { readFileSync } from "node:fs";
import { basename } from "node:path";

// Other pages link to these.
const UIDS = {
  "cluster.json": "lxd",
  "fleet.json": "cluster-manager-fleet",
  "hub.json": "cluster-manager-hub",
};
const SCHEMA = 39;
const DATASOURCE = "${prometheusds}";
const WIDTH = 24;
// Grafana's variables, each with a value for expressions.
const BUILT_IN = { __rate_interval: "4m" };

const complaints = [];
const rules = [];

for (const path of process.argv.slice(2)) {
  const file = basename(path);
  check(file, JSON.parse(readFileSync(path, "utf8")), (text) => complaints.push(`${file}: ${text}`));
}
console.log(JSON.stringify({ groups: [{ name: "dashboards", rules }] }, null, 1));
for (const complaint of complaints) {
  console.error(complaint);
}
process.exitCode = complaints.length > 0 ? 1 : 0;

function check(file, dashboard, complain) {
  const { uid, id, schemaVersion, title, templating, panels } = dashboard;
  if (uid !== UIDS[file]) complain(`its uid is ${uid}, not ${UIDS[file]}`);
  if (id !== undefined) complain("it has an id, which belongs to one Grafana alone");
  if (schemaVersion !== SCHEMA) complain(`its schemaVersion is ${schemaVersion}, not ${SCHEMA}`);
  if (!title) complain("it has no title");

  const [datasource, ...variables] = templating.list;
  if (datasource.name !== "prometheusds" || datasource.type !== "datasource") complain("prometheusds is not its first variable");
  const known = new Map(Object.entries(BUILT_IN));
  for (const variable of variables) {
    if (variable.type === "query" && variable.datasource.uid !== DATASOURCE) {
      complain(`variable ${variable.name}: not from ${DATASOURCE}`);
    }
    checkVariables(variable.query, known, (text) => complain(`variable ${variable.name}: ${text}`));
    known.set(variable.name, "x");
  }
  if (uid === "lxd" && !known.has("job")) complain("links to it set a variable job, which it does not have");

  const ids = new Set();
  for (const panel of panels) {
    const about = (text) => complain(`panel ${panel.id} (${panel.title}): ${text}`);
    if (ids.has(panel.id)) about("its id is another's too");
    ids.add(panel.id);
    if (!panel.title) about("it has no title");
    if (panel.type === "row") continue;
    if (panel.datasource.uid !== DATASOURCE) about(`not from ${DATASOURCE}`);
    checkPlace(panel, panels, about);
    for (const { refId, expr, interval } of panel.targets) {
      const replaced = checkVariables(expr, known, about);
      if (interval) checkVariables(interval, known, about);
      // Clusters report every minute: in Grafana's usual window of a minute there is one sample, so no rate.
      if (expr.includes("$__rate_interval") && !interval) about("a rate without a smallest step");
      rules.push({ record: `${uid.replaceAll("-", "_")}:panel_${panel.id}:${refId}`, expr: replaced });
    }
  }
}

function checkPlace(panel, panels, about) {
  const a = panel.gridPos;
  if (a.x < 0 || a.x + a.w > WIDTH) about("it does not fit the width");
  for (const other of panels) {
    const b = other.gridPos;
    const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
    if (other.id > panel.id && !apart) about(`it lies over panel ${other.id}`);
  }
}

function checkVariables(text, known, complain) {
  return text.replaceAll(/\$\{?(\w+)\}?/g, (_, name) => {
    if (!known.has(name)) complain(`there is no variable ${name}`);
    return known.get(name) ?? "x";
  });
}
