// The certificate by which a cluster is known.
import type { ReactNode } from "react";
import type { Cluster } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CopyButton } from "../../components/CopyButton";
import { Facts } from "../../components/Facts";

export function Certificate({ certificate }: { certificate: Cluster["certificate"] }): ReactNode {
  return (
    <section className="card" aria-label="Certificate">
      <h2 className="card__title">Certificate</h2>
      <Facts
        facts={[
          ["Ends", <Ago at={certificate.not_after} />],
          ["Began", <Ago at={certificate.not_before} />],
          [
            "SHA-256",
            <span className="fingerprint">
              <code>{certificate.fingerprint}</code>
              <CopyButton text={certificate.fingerprint} label="Copy the fingerprint" />
            </span>,
          ],
        ]}
      />
    </section>
  );
}
