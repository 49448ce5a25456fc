//! The domain: what a cluster is, when it is healthy, what deserves a warning. Pure: time is a parameter, nothing
//! here knows of SQL, HTTP or a runtime, so that the hub's one judgement can be tested without any of them.
//!
//! | module | holds |
//! |---|---|
//! | [`cluster`] | an enrolled cluster: who it is and what it last reported |
//! | [`percent`] | whole percentages and the thresholds made of them |
//! | [`service_clock`] | the hub's clock less the time in which nobody could be heard |
//! | [`health`] | fresh, late, lost: since when and why |
//! | [`warning`] | what is wrong inside a cluster, one definition for list, detail, API and metrics |
//! | [`token`] | join tokens that wait to be used |
//! | [`role`] | who may do what |
//! | [`service_account`] | programs that call the API, and their tokens |
//! | [`actor`] | who did something, and from where |
//! | [`moment`] | points in time as people write them |
//! | [`change`] | what people may change of a cluster |
//! | [`report_summary`] | the few numbers of a report that the fleet is sorted and added up by |
//! | [`standing`] | how a cluster stands: the facts by which the fleet is filtered, sorted and added up |
//! | [`query`] | what can be asked of the fleet: which clusters, in which order; and which those are |
//! | [`totals`] | what the fleet adds up to |
//! | [`history`], [`trend`] | how a cluster was; when something that fills up will be full |

pub mod actor;
pub mod change;
pub mod cluster;
pub mod health;
pub mod history;
pub mod moment;
pub mod percent;
pub mod query;
pub mod report_summary;
pub mod role;
pub mod service_account;
pub mod service_clock;
pub mod standing;
pub mod token;
pub mod totals;
pub mod trend;
pub mod warning;

pub use actor::{Actor, ActorKind, Origin};
pub use change::ClusterChange;
pub use cluster::{Cluster, ClusterId, ClusterUid};
pub use health::{Health, HealthRules, HealthState, Liveness, RecentGaps};
pub use percent::{Percent, Thresholds};
pub use role::{Role, RoleMapping};
pub use service_account::{ServiceAccount, ServiceToken};
pub use service_clock::{ServiceClock, ServiceTime};
pub use standing::Standing;
pub use token::PendingToken;
pub use totals::FleetTotals;
pub use warning::{Severity, Warning, WarningKind};
