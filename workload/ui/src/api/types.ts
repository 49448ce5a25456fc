// The API's types under the names that the pages use.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type BulkRequest = Schemas["BulkRequest"];
export type BulkResult = Schemas["BulkResult"];
export type Cluster = Schemas["Cluster"];
export type ClusterChange = Schemas["ClusterChange"];
export type CreatedJoinToken = Schemas["CreatedJoinToken"];
export type Health = Schemas["Health"];
export type JoinToken = Schemas["JoinToken"];
export type NewJoinToken = Schemas["NewJoinToken"];
export type SettingView = Schemas["SettingView"];
export type StatusCount = Schemas["StatusCount"];
export type StoragePoolUsage = Schemas["StoragePoolUsage"];
export type Warning = Schemas["Warning"];
export type WhoAmI = Schemas["WhoAmI"];
