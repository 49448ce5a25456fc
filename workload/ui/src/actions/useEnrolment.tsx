// Enrolling a cluster: the button, the panel, then the command, which is shown once. Held by the page, so that
// nothing that changes on it loses the command.
import { useState, type ReactNode } from "react";
import { useMay } from "../app/session";
import { Button } from "../kit";
import { EnrolPanel } from "./EnrolPanel";
import { JoinCommand, type Created } from "./JoinCommand";

interface Enrolment {
  /** None: the person may not. */
  button: ReactNode;
  view: ReactNode;
}

export function useEnrolment(): Enrolment {
  const mayEnrol = useMay("operator");
  const [step, setStep] = useState<"idle" | "asking" | Created>("idle");
  const end = (): void => {
    setStep("idle");
  };
  return {
    button: mayEnrol ? (
      <Button
        appearance="positive"
        onClick={() => {
          setStep("asking");
        }}
      >
        Enrol cluster
      </Button>
    ) : null,
    view:
      step === "idle" ? null : step === "asking" ? (
        <EnrolPanel onClose={end} onCreated={setStep} />
      ) : (
        <JoinCommand created={step} onClose={end} />
      ),
  };
}
