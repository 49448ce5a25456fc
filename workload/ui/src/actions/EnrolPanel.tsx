// Asks for what a join token is made of.
import { useState, type ReactNode } from "react";
import { serverNow } from "../api/clock";
import { useCreateToken } from "../api/mutations";
import { ErrorNote } from "../components/ErrorNote";
import { SidePanel } from "../components/SidePanel";
import { TextField } from "../components/TextField";
import { ActionButton, Button, Select, Textarea } from "../kit";
import { nameProblem } from "./clusterName";
import { expiryOf, OWN, PRESETS, USUAL } from "./expiry";
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
  const [preset, setPreset] = useState<string>(USUAL);
  const [own, setOwn] = useState("");
  const [wasTried, setWasTried] = useState(false);
  const taken = useNameTaken(name);
  const problem = (name === "" && !wasTried ? null : nameProblem(name)) ?? taken;
  const expiry = expiryOf(preset, own, serverNow());

  const create = (): void => {
    setWasTried(true);
    if (nameProblem(name) !== null || taken !== null || expiry === null) return;
    creation.mutate(
      { cluster_name: name, description, expiry },
      {
        onSuccess: ({ token }) => {
          onCreated({ name, token, expiry });
        },
      },
    );
  };

  return (
    <SidePanel title="Enrol a cluster" isDirty={name !== "" || description !== ""} onClose={onClose}>
      <form
        className="side-panel__form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          create();
        }}
      >
        <ErrorNote error={creation.error} title="The token was not made" />
        <TextField
          label="Cluster name"
          isRequired
          value={name}
          error={problem}
          help="What the cluster is called here. Its administrator need not know it."
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
          label="The token works for"
          value={preset}
          options={[...PRESETS, { value: OWN, label: "Until a moment of your choice" }]}
          onChange={(event) => {
            setPreset(event.target.value);
          }}
        />
        {preset === OWN && (
          <TextField
            type="datetime-local"
            label={`Until (${Intl.DateTimeFormat().resolvedOptions().timeZone})`}
            value={own}
            error={wasTried && expiry === null ? "A moment in the future." : null}
            onChange={setOwn}
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
            Make the token
          </ActionButton>
        </div>
      </form>
    </SidePanel>
  );
}
