// The state of the systems on which Cluster Manager depends.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { path, request } from "../../api/client";
import { explain } from "../../api/errors";
import { keys } from "../../api/keys";
import { useRefetchInterval } from "../../api/live";
import type { ProviderState, SettingView, SignInSettings } from "../../api/types";
import { lookUp } from "../../api/words";
import { Facts } from "../../components/Facts";
import { MetricsSinks } from "./MetricsSinks";
import { State } from "./State";

export function Dependencies({ settings }: { settings: Record<string, SettingView> }): ReactNode {
  const sink = settings.prometheus_base_url?.value ?? "";
  return (
    <section className="card" aria-label="Dependencies">
      <h2 className="card__title">Dependencies</h2>
      <Facts
        facts={[
          ["Database", <Database key="database" />],
          ["Identity provider", <IdentityProvider key="provider" />],
          ["Metrics sink", <MetricsSinks key="sink" isConfigured={sink !== ""} />],
        ]}
      />
    </section>
  );
}

function Database(): ReactNode {
  const status = useQuery({
    queryKey: keys.status,
    queryFn: ({ signal }) => request("GET", path("status"), undefined, signal),
    refetchInterval: useRefetchInterval(),
  });
  if (status.error !== null) return <State icon="error" text={explain(status.error)} />;
  return status.isPending ? "Checking…" : <State icon="success" text="Reachable" />;
}

const PROVIDER: Record<ProviderState, [icon: string, text: string]> = {
  reachable: ["success", "Reachable"],
  away: ["error", "Unreachable: signing in is not possible, existing sessions continue"],
  unknown: ["help", "Not checked yet"],
};

function IdentityProvider(): ReactNode {
  const signIn = useQuery({
    queryKey: keys.signIn,
    queryFn: ({ signal }) => request<SignInSettings>("GET", path("sign-in"), undefined, signal),
    refetchInterval: useRefetchInterval(),
  });
  if (signIn.data === undefined) return signIn.error === null ? "Checking…" : explain(signIn.error);
  const { provider, issuer } = signIn.data;
  const [icon, text] = lookUp(PROVIDER, provider) ?? ["help", provider];
  return (
    <>
      <State icon={icon} text={text} /> <code>{issuer}</code>
    </>
  );
}
