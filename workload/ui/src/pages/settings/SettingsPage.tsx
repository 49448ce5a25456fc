// How this Cluster Manager is set up. Secrets come masked; nothing is changed here.
import type { ReactNode } from "react";
import { SETTINGS_EVERY_MS, useConfiguration } from "../../api/queries";
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
      <PageHeader title="Settings" freshness={<Freshness query={query} every={SETTINGS_EVERY_MS} />} />
      <Loaded query={query} loading={<Skeleton rows={10} label="Loading the settings" />}>
        {(settings) => (
          <>
            <Dependencies settings={settings} />
            <p className="u-text--muted">
              Settings come from the environment of Cluster Manager, with Juju from the charm&apos;s options;
              they are changed there.
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
            <th scope="col">Meaning</th>
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
              <td data-label="Meaning">{setting.description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Value({ value }: { value: string }): ReactNode {
  if (value === "") return <span className="u-text--muted">not set</span>;
  return (
    <>
      <code className="settings__value">{value}</code>
      {isMasked(value) && <span className="tag">masked</span>}
    </>
  );
}
