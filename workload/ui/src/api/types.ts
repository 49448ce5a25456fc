// The API's types under the names that the pages use.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type ActorKind = Schemas["ActorKind"];
export type BulkRequest = Schemas["BulkRequest"];
export type BulkResult = Schemas["BulkResult"];
export type Cluster = Schemas["Cluster"];
export type ClusterHistory = Schemas["ClusterHistory"];
export type ClusterChange = Schemas["ClusterChange"];
export type ClusterSummary = Schemas["Page_ClusterSummary"]["items"][number];
export type CreatedJoinToken = Schemas["CreatedJoinToken"];
export type Event = Schemas["Event"];
export type FleetTotals = Schemas["FleetTotals"];
export type Health = Schemas["Health"];
export type HealthState = Schemas["HealthState"];
export type JoinToken = Schemas["JoinToken"];
export type MetricsSink = Schemas["MetricsSink"];
export type NewJoinToken = Schemas["NewJoinToken"];
export type ProviderState = Schemas["ProviderState"];
export type Role = Schemas["Role"];
export type Session = Schemas["Session"];
export type SettingView = Schemas["SettingView"];
export type SignInSettings = Schemas["SignInSettings"];
export type SinkState = Schemas["SinkState"];
export type StatusCount = Schemas["StatusCount"];
export type StoragePoolUsage = Schemas["StoragePoolUsage"];
export type Warning = Schemas["Warning"];
export type WarningKind = Schemas["WarningKind"];
export type WhoAmI = Schemas["WhoAmI"];

/** A page of a list, with the cursor of the next one. */
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total: number;
}
