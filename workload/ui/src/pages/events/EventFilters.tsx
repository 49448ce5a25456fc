// The filters of the audit trail.
import type { ReactNode } from "react";
import { SearchField } from "../../components/SearchField";
import { useDebouncedField } from "../../components/useDebouncedField";
import { Button } from "../../kit";
import { ACTIONS, hasEventFilter, NO_EVENT_FILTER, type EventFilter } from "../../url/eventState";
import { fromField, toField } from "../../url/localTime";

interface Props {
  filter: EventFilter;
  onChange: (change: Partial<EventFilter>) => void;
}

export function EventFilters({ filter, onChange }: Props): ReactNode {
  return (
    <div className="filters filters--fields">
      <SearchField
        label="Search events"
        value={filter.search}
        onSearch={(search) => {
          onChange({ search });
        }}
      />
      <select
        aria-label="Action"
        value={filter.action}
        onChange={(event) => {
          onChange({ action: event.target.value });
        }}
      >
        <option value="">All actions</option>
        {ACTIONS.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <TextFilter
        label="Cluster"
        value={filter.cluster}
        onChange={(cluster) => {
          onChange({ cluster });
        }}
      />
      <TextFilter
        label="Actor"
        value={filter.actor}
        onChange={(actor) => {
          onChange({ actor });
        }}
      />
      <TimeFilter
        label="From"
        value={filter.since}
        onChange={(since) => {
          onChange({ since });
        }}
      />
      <TimeFilter
        label="Until"
        value={filter.until}
        onChange={(until) => {
          onChange({ until });
        }}
      />
      {hasEventFilter(filter) && (
        <Button
          appearance="link"
          onClick={() => {
            onChange(NO_EVENT_FILTER);
          }}
        >
          Clear all
        </Button>
      )}
    </div>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

function TextFilter({ label, value, onChange }: FieldProps): ReactNode {
  const field = useDebouncedField(value, onChange);
  return (
    <input
      type="text"
      aria-label={label}
      placeholder={label}
      value={field.text}
      onChange={(event) => {
        field.setText(event.target.value);
      }}
    />
  );
}

function TimeFilter({ label, value, onChange }: FieldProps): ReactNode {
  return (
    <label className="filters__time">
      <span>{label}</span>
      <input
        type="datetime-local"
        value={toField(value)}
        onChange={(event) => {
          onChange(fromField(event.target.value));
        }}
      />
    </label>
  );
}
