// The certificate that identifies a cluster.
import type { ReactNode } from "react";
import type { Cluster } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CopyButton } from "../../components/CopyButton";
import { Facts } from "../../components/Facts";
import { date } from "../../format/time";

/** The date as well as the distance, because the date can be years away. */
function Day({ at }: { at: string }): ReactNode {
  return (
    <>
      {date(Date.parse(at))}, <Ago at={at} />
    </>
  );
}

export function Certificate({ certificate }: { certificate: Cluster["certificate"] }): ReactNode {
  return (
    <section className="card" aria-label="Certificate">
      <h2 className="card__title">Certificate</h2>
      <Facts
        facts={[
          ["Valid until", <Day at={certificate.not_after} />],
          ["Valid from", <Day at={certificate.not_before} />],
          [
            "Fingerprint (SHA-256)",
            <span className="fingerprint">
              <code>{certificate.fingerprint}</code>
              <CopyButton text={certificate.fingerprint} label="Copy fingerprint" />
            </span>,
          ],
        ]}
      />
    </section>
  );
}
