// Changes the thresholds of one or more clusters, and the description of one. Empty fields change nothing.
import { useState, type ReactNode } from "react";
import { useBulk } from "../api/mutations";
import type { BulkRequest, ClusterChange } from "../api/types";
import { BulkOutcome } from "../components/BulkOutcome";
import { ErrorNote } from "../components/ErrorNote";
import { NameList } from "../components/RemoveDialog";
import { SidePanel } from "../components/SidePanel";
import { TextField } from "../components/TextField";
import { count } from "../format/count";
import { ActionButton, Button, Textarea } from "../kit";
import { parseThreshold, THRESHOLD_PROBLEM } from "./thresholds";

/** The present configuration of a single cluster. */
export interface CurrentConfiguration {
  description: string;
  disk_threshold: number;
  memory_threshold: number;
}

/** Clusters by name, or all that match a filter. */
export type Targets = { names: string[] } | { filter: NonNullable<BulkRequest["filter"]>; total: number };

interface Props {
  targets: Targets;
  current?: CurrentConfiguration | undefined;
  onClose: () => void;
}

interface Draft {
  description: string;
  disk: string;
  memory: string;
}

export function ConfigurePanel({ targets, current, onClose }: Props): ReactNode {
  const bulk = useBulk();
  const [draft, setDraft] = useState<Draft>({
    description: current?.description ?? "",
    disk: current?.disk_threshold.toString() ?? "",
    memory: current?.memory_threshold.toString() ?? "",
  });
  const change = changedFields(draft, current);
  const total = "names" in targets ? targets.names.length : targets.total;
  const title = total === 1 ? "Configure cluster" : `Configure ${count(total, "cluster")}`;
  const edit = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
  };
  if (bulk.data !== undefined) {
    return (
      <SidePanel title={title} isDirty={false} onClose={onClose}>
        <BulkOutcome
          results={bulk.data}
          participle="configured"
          noun="cluster"
          onlyFailures={"filter" in targets}
        />
        <Button onClick={onClose}>Close</Button>
      </SidePanel>
    );
  }
  return (
    <SidePanel title={title} isDirty={change === null || Object.keys(change).length > 0} onClose={onClose}>
      <form
        className="side-panel__form"
        onSubmit={(event) => {
          event.preventDefault();
          if (change !== null) bulk.mutate({ action: "configure", change, ...targetsOfRequest(targets) });
        }}
      >
        <ErrorNote error={bulk.error} title="Cluster configuration failed" />
        {"names" in targets ? (
          <NameList names={targets.names} />
        ) : (
          <p>
            Applies to every cluster that matches the search and filters ({count(total, "cluster")} at
            present).
          </p>
        )}
        {current !== undefined && (
          <Textarea
            label="Description"
            rows={3}
            value={draft.description}
            onChange={(event) => {
              edit({ description: event.target.value });
            }}
          />
        )}
        <ThresholdField
          label="Storage threshold (percent)"
          help="Warn when a storage pool is fuller than this."
          value={draft.disk}
          onChange={(disk) => {
            edit({ disk });
          }}
        />
        <ThresholdField
          label="Memory threshold (percent)"
          help="Warn when memory usage is higher than this."
          value={draft.memory}
          onChange={(memory) => {
            edit({ memory });
          }}
        />
        {current === undefined && (
          <p className="p-form-help-text">Leave a field empty to keep each cluster's current value.</p>
        )}
        <div className="side-panel__buttons">
          <Button type="button" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton
            type="submit"
            appearance="positive"
            loading={bulk.isPending}
            disabled={change === null || Object.keys(change).length === 0}
          >
            Save
          </ActionButton>
        </div>
      </form>
    </SidePanel>
  );
}

interface FieldProps {
  label: string;
  help: string;
  value: string;
  onChange: (value: string) => void;
}

function ThresholdField(field: FieldProps): ReactNode {
  const isWrong = parseThreshold(field.value) === undefined;
  return <TextField inputMode="numeric" error={isWrong ? THRESHOLD_PROBLEM : null} {...field} />;
}

function targetsOfRequest(targets: Targets): Pick<BulkRequest, "names" | "filter" | "only_failures"> {
  return "names" in targets ? { names: targets.names } : { filter: targets.filter, only_failures: true };
}

/** The fields that differ from the current configuration; null if a threshold is invalid. */
export function changedFields(draft: Draft, current?: CurrentConfiguration): ClusterChange | null {
  const [disk, memory] = [parseThreshold(draft.disk), parseThreshold(draft.memory)];
  if (disk === undefined || memory === undefined) return null;
  const change: ClusterChange = {};
  if (current !== undefined && draft.description !== current.description)
    change.description = draft.description.trim();
  if (disk !== null && disk !== current?.disk_threshold) change.disk_threshold = disk;
  if (memory !== null && memory !== current?.memory_threshold) change.memory_threshold = memory;
  return change;
}
