//! The wire types of the management API (contract section 2). The hub writes them, OpenAPI describes them, and the
//! command line reads them. Their names and fields are published: they change only in ways that deployed clients can
//! read. Domain types may change freely; the conversions from them are here.
//!
//! Nothing here knows HTTP, SQL or a runtime.

pub mod bulk;
pub mod change;
pub mod cluster;
pub mod event;
pub mod fleet_totals;
pub mod history;
pub mod known;
pub mod list;
pub mod metrics_sink;
pub mod service_account;
pub mod session;
pub mod setting;
pub mod sign_in;
pub mod stream;
pub mod summary;
pub mod token;
pub mod who_am_i;
pub mod word;

mod expiry;

pub use bulk::{BulkAction, BulkRequest, BulkResult};
pub use change::{ClusterChange, InvalidChange};
pub use cluster::{Certificate, Cluster, Health, StatusCount, StoragePoolUsage, Warning};
pub use event::{Event, EventActor, EventPage, EventQuery};
pub use fleet_totals::{FleetTotals, HealthTotals, StatusTotal, WarningTotal};
pub use history::ClusterHistory;
pub use list::{ClusterList, ClusterListParameters, Page};
pub use metrics_sink::MetricsSink;
pub use service_account::{CreatedServiceAccount, NewServiceAccount, ServiceAccount};
pub use session::{Session, SessionPage, SessionQuery};
pub use setting::SettingView;
pub use sign_in::SignInSettings;
pub use stream::{ClusterChanged, ClustersReported, StreamEvent};
pub use summary::ClusterSummary;
pub use token::{CreatedJoinToken, JoinToken, NewJoinToken};
pub use who_am_i::WhoAmI;
pub use word::{
    ActorKind, ChangeKind, HealthState, HistoryResolution, ListFields, ProviderState, Role, Severity,
    SinkState, SortBy, SortOrder, StreamEventKind, Vocabulary, WarningKind, Word,
};
