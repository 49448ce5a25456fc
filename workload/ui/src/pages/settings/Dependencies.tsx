// What Cluster Manager depends on, and how that stands.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { path, request } from "../../api/client";
import { explain } from "../../api/errors";
import { keys } from "../../api/keys";
import { useRefetchInterval } from "../../api/live";
import type { SettingView, SignInSettings } from "../../api/types";
import { Facts } from "../../components/Facts";
import { MetricsSinks } from "./MetricsSinks";
import { State } from "./State";

export function Dependencies({ settings }: { settings: Record<string, SettingView> }): ReactNode {
  const sink = settings.prometheus_base_url?.value ?? "";
  return (
    <section className="card" aria-label="What Cluster Manager depends on">
      <h2 className="card__title">What Cluster Manager depends on</h2>
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
  return status.isPending ? "asking…" : <State icon="success" text="reachable" />;
}

const PROVIDER: Record<string, [icon: string, text: string]> = {
  reachable: ["success", "reachable"],
  away: ["error", "away: nobody can sign in; who is signed in stays so"],
  unknown: ["help", "not asked yet"],
};

function IdentityProvider(): ReactNode {
  const signIn = useQuery({
    queryKey: keys.signIn,
    queryFn: ({ signal }) => request<SignInSettings>("GET", path("sign-in"), undefined, signal),
    refetchInterval: useRefetchInterval(),
  });
  if (signIn.data === undefined) return signIn.error === null ? "asking…" : explain(signIn.error);
  const { provider, issuer } = signIn.data;
  const [icon, text] = PROVIDER[provider] ?? ["help", provider];
  return (
    <>
      <State icon={icon} text={text} /> <code>{issuer}</code>
    </>
  );
}
