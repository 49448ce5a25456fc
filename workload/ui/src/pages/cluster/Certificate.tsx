// The certificate by which a cluster is known.
import type { ReactNode } from "react";
import type { Cluster } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CopyButton } from "../../components/CopyButton";
import { Facts } from "../../components/Facts";
import { date } from "../../format/time";

/** Years ahead, a date says more than a span. */
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
          ["Ends", <Day at={certificate.not_after} />],
          ["Began", <Day at={certificate.not_before} />],
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
