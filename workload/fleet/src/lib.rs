//! The domain: what a cluster is, when it is healthy, what deserves a warning. Pure: time is a parameter, and nothing
//! here knows SQL, HTTP or a runtime, so that the rules can be tested without any of them.
//!
//! | folder | module | holds |
//! |---|---|---|
//! | `cluster` | [`cluster`] | an enrolled cluster: its identity, its configuration and its last report |
//! | | [`change`] | a change of a cluster's configuration |
//! | | [`percent`] | whole percentages and thresholds |
//! | | [`report_summary`] | the few numbers of a report by which the fleet is filtered, sorted and totalled |
//! | | [`state`] | the state of a cluster, small enough to keep that of the whole fleet in memory |
//! | `health` | [`health`] | fresh, late or lost: since when and why |
//! | | [`service_clock`] | the hub's clock without the hub's own outages |
//! | | [`warning`] | what is wrong with a cluster; one definition for list, page, API and metrics |
//! | | [`history`], [`trend`] | past states of a cluster; when its storage or memory will be full |
//! | `query` | [`query`] | filters, order and pages of the list of clusters, and their evaluation |
//! | | [`totals`] | the totals of the fleet |
//! | `access` | [`actor`] | who did something, and from where |
//! | | [`credential`] | what a caller presented |
//! | | [`role`] | who may do what |
//! | | [`service_account`] | programs that call the API, and their tokens |
//! | | [`session`] | people's sessions as they are listed |
//! | | [`token`] | join tokens that have not been used |
//! | none | [`event`] | events of the audit trail, a filter over them, a page of them |
//! | | [`timestamp`] | times in RFC 3339 |

mod access;
pub mod cluster;
pub mod event;
pub mod health;
pub mod query;
pub mod timestamp;

pub use access::{actor, credential, role, service_account, session, token};
pub use cluster::{change, percent, report_summary, state};
pub use health::{history, service_clock, trend, warning};
pub use query::totals;

pub use actor::{Actor, ActorKind, Origin};
pub use change::ClusterChange;
pub use cluster::{Cluster, ClusterId, ClusterUid};
pub use credential::CredentialId;
pub use health::{Health, HealthRules, HealthState, Liveness, RecentGaps};
pub use percent::{Percent, Thresholds};
pub use role::{Role, RoleMapping};
pub use service_account::{ServiceAccount, ServiceToken};
pub use service_clock::{ServiceClock, ServiceTime};
pub use state::{ClusterState, Judge};
pub use token::PendingToken;
pub use totals::FleetTotals;
pub use warning::{Severity, Warning, WarningKind};
