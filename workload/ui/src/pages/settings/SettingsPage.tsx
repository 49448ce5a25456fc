// The settings of this hub, read-only. The hub masks secrets.
import type { ReactNode } from "react";
import { SETTINGS_POLL_INTERVAL_MS, useConfiguration } from "../../api/queries";
import type { SettingView } from "../../api/types";
import { Freshness } from "../../components/Freshness";
import { Loaded } from "../../components/Loaded";
import { PageHeader } from "../../components/PageHeader";
import { Skeleton } from "../../components/Skeleton";
import { Dependencies } from "./Dependencies";
import { grouped, isMasked } from "./groups";

export function SettingsPage(): ReactNode {
  const query = useConfiguration();
  return (
    <div className="page">
      <title>Settings · Cluster Manager</title>
      <PageHeader
        title="Settings"
        freshness={<Freshness query={query} pollIntervalMs={SETTINGS_POLL_INTERVAL_MS} />}
      />
      <Loaded query={query} loading={<Skeleton rows={10} label="Loading settings" />}>
        {(settings) => (
          <>
            <Dependencies settings={settings} />
            <p className="u-text--muted">
              Settings are read from Cluster Manager&apos;s environment or, with Juju, from the charm&apos;s
              options. Change them there.
            </p>
            {grouped(settings).map(({ title, entries }) => (
              <Group key={title} title={title} entries={entries} />
            ))}
          </>
        )}
      </Loaded>
    </div>
  );
}

function Group({ title, entries }: { title: string; entries: [string, SettingView][] }): ReactNode {
  return (
    <section aria-label={title} className="settings">
      <h2 className="p-heading--5">{title}</h2>
      <table className="rows" aria-label={title}>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Value</th>
            <th scope="col">Description</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(([key, setting]) => (
            <tr key={key}>
              <th scope="row" className="rows__name">
                {setting.title}
                <small className="rows__second">
                  <code>{key}</code>
                </small>
              </th>
              <td data-label="Value">
                <Value value={setting.value} />
              </td>
              <td data-label="Description">{setting.description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Value({ value }: { value: string }): ReactNode {
  if (value === "") return <span className="u-text--muted">Not set</span>;
  return (
    <>
      <code className="settings__value">{value}</code>
      {isMasked(value) && <span className="tag">Masked</span>}
    </>
  );
}
