// Enrolling a cluster: the button, the panel, then the command, which is shown only once. The page owns this state, so
// that updates of its content do not lose the command.
import { useState, type ReactNode } from "react";
import { useMay } from "../app/session";
import { Button } from "../kit";
import { EnrolPanel } from "./EnrolPanel";
import { JoinCommand, type Created } from "./JoinCommand";

interface Enrolment {
  /** Null if the account is not permitted to enrol clusters. */
  button: ReactNode;
  view: ReactNode;
}

export function useEnrolment(): Enrolment {
  const mayEnrol = useMay("operator");
  const [step, setStep] = useState<"idle" | "form" | Created>("idle");
  const close = (): void => {
    setStep("idle");
  };
  return {
    button: mayEnrol ? (
      <Button
        appearance="positive"
        onClick={() => {
          setStep("form");
        }}
      >
        Enrol cluster
      </Button>
    ) : null,
    view:
      step === "idle" ? null : step === "form" ? (
        <EnrolPanel onClose={close} onCreated={setStep} />
      ) : (
        <JoinCommand created={step} onClose={close} />
      ),
  };
}
