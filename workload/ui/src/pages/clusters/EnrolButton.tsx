// Begins an enrolment, where the person may.
import { useState, type ReactNode } from "react";
import { useMay } from "../../app/session";
import { Button } from "../../kit";
import { EnrolPanel } from "./EnrolPanel";

export function EnrolButton(): ReactNode {
  const mayEnrol = useMay("operator");
  const [isOpen, setIsOpen] = useState(false);
  if (!mayEnrol) return null;
  return (
    <>
      <Button
        appearance="positive"
        onClick={() => {
          setIsOpen(true);
        }}
      >
        Enrol cluster
      </Button>
      {isOpen && (
        <EnrolPanel
          onClose={() => {
            setIsOpen(false);
          }}
        />
      )}
    </>
  );
}
