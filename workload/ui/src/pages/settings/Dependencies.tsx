// What Cluster Manager depends on, and how that stands.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { path, request } from "../../api/client";
import { explain } from "../../api/errors";
import { keys } from "../../api/keys";
import type { SettingView } from "../../api/types";
import { Facts } from "../../components/Facts";

export function Dependencies({ settings }: { settings: Record<string, SettingView> }): ReactNode {
  const status = useQuery({
    queryKey: keys.status,
    queryFn: ({ signal }) => request("GET", path("status"), undefined, signal),
  });
  const database =
    status.error === null
      ? status.isPending
        ? "asking…"
        : "answers"
      : `does not answer: ${explain(status.error)}`;
  return (
    <section className="card" aria-label="What Cluster Manager depends on">
      <h2 className="card__title">What Cluster Manager depends on</h2>
      <Facts
        facts={[
          ["Database", <State key="database" isWell={status.error === null} text={database} />],
          ["Identity provider", <Set key="issuer" value={settings.oidc_issuer?.value} />],
          ["Metrics sink", <Set key="sink" value={settings.prometheus_base_url?.value} />],
        ]}
      />
    </section>
  );
}

function State({ isWell, text }: { isWell: boolean; text: string }): ReactNode {
  return (
    <span className="health">
      <i className={isWell ? "p-icon--success" : "p-icon--error"} aria-hidden="true" /> {text}
    </span>
  );
}

/** The API says whether it is set, and not how it is. */
function Set({ value }: { value: string | undefined }): ReactNode {
  return value === undefined || value === "" ? <>not set</> : <code>{value}</code>;
}
