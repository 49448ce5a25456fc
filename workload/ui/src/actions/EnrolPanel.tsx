// The form that creates a join token.
import { useState, type ReactNode } from "react";
import { serverNow } from "../api/clock";
import { useCreateToken } from "../api/mutations";
import { ErrorNote } from "../components/ErrorNote";
import { SidePanel } from "../components/SidePanel";
import { TextField } from "../components/TextField";
import { ActionButton, Button, Select, Textarea } from "../kit";
import { nameProblem } from "./clusterName";
import { CUSTOM, DEFAULT_PRESET, expiryOf, PRESETS } from "./expiry";
import type { Created } from "./JoinCommand";
import { useNameTaken } from "./useNameTaken";

interface Props {
  onClose: () => void;
  onCreated: (created: Created) => void;
}

export function EnrolPanel({ onClose, onCreated }: Props): ReactNode {
  const creation = useCreateToken();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [preset, setPreset] = useState<string>(DEFAULT_PRESET);
  const [customExpiry, setCustomExpiry] = useState("");
  const [wasSubmitted, setWasSubmitted] = useState(false);
  const taken = useNameTaken(name);
  const problem = (name === "" && !wasSubmitted ? null : nameProblem(name)) ?? taken;
  const expiry = expiryOf(preset, customExpiry, serverNow());

  const create = (): void => {
    setWasSubmitted(true);
    if (nameProblem(name) !== null || taken !== null || expiry === null) return;
    creation.mutate(
      { cluster_name: name, description: description.trim(), expiry },
      {
        onSuccess: ({ token }) => {
          onCreated({ name, token, expiry });
        },
      },
    );
  };

  return (
    <SidePanel title="Enrol cluster" isDirty={name !== "" || description !== ""} onClose={onClose}>
      <form
        className="side-panel__form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          create();
        }}
      >
        <ErrorNote error={creation.error} title="Join token creation failed" />
        <TextField
          label="Cluster name"
          isRequired
          value={name}
          error={problem}
          help="The cluster's name in Cluster Manager, 1 to 255 characters."
          onChange={setName}
        />
        <Textarea
          label="Description"
          rows={3}
          value={description}
          onChange={(event) => {
            setDescription(event.target.value);
          }}
        />
        <Select
          label="Token valid for"
          value={preset}
          options={[...PRESETS, { value: CUSTOM, label: "Custom date and time" }]}
          onChange={(event) => {
            setPreset(event.target.value);
          }}
        />
        {preset === CUSTOM && (
          <TextField
            type="datetime-local"
            label={`Valid until (${Intl.DateTimeFormat().resolvedOptions().timeZone})`}
            value={customExpiry}
            error={wasSubmitted && expiry === null ? "Enter a date and time in the future." : null}
            onChange={setCustomExpiry}
          />
        )}
        <div className="side-panel__buttons">
          <Button type="button" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton
            type="submit"
            appearance="positive"
            loading={creation.isPending}
            disabled={problem !== null}
          >
            Create token
          </ActionButton>
        </div>
      </form>
    </SidePanel>
  );
}
