//! What goes over the wire, in types of its own: the API's names are a promise, the domain's are not. The command
//! line reads the same types that the API writes.

mod answer;
mod bulk;
mod change;
mod cluster;
mod event;
mod expiry;
mod fleet;
mod history;
mod metrics_sink;
mod page;
mod service_account;
mod setting;
mod sign_in;
mod stream;
mod summary;
mod token;
mod who_am_i;

pub(crate) use answer::{AboutOne, Anywhere, SignedIn, WithBody};
pub use answer::{Answer, Nothing, Problem, RetryAfter};
pub use bulk::{BulkAction, BulkRequest, BulkResult};
pub use change::ClusterChange;
pub use cluster::{Certificate, Cluster, Health, StatusCount, StoragePoolUsage, Warning};
pub use event::{Event, EventActor, EventPage, EventQuery};
pub use fleet::{FleetTotals, HealthTotals, StatusTotal, WarningTotal};
pub use history::ClusterHistory;
pub use metrics_sink::MetricsSink;
pub(crate) use page::ClusterListParameters;
pub use page::{ClusterList, Page};
pub use service_account::{CreatedServiceAccount, NewServiceAccount, ServiceAccount};
pub use setting::SettingView;
pub use sign_in::SignInSettings;
pub use stream::StreamEvent;
pub use summary::ClusterSummary;
pub use token::{CreatedJoinToken, JoinToken, NewJoinToken};
pub use who_am_i::WhoAmI;
