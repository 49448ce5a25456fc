//! Background work: idempotent tasks under one driver.
//!
//! | module | holds |
//! |---|---|
//! | [`task`] | what a task is: name, interval, scope, one round of work |
//! | [`driver`] | runs tasks: schedule, claim, activation on demand, a last round at shutdown |
//! | [`status`] | how the tasks of this unit went, as metrics |
//! | [`transitions`], [`history`] | changes of health; how each cluster was |
//! | [`sealing`], [`audit_head`], [`retention`] | the audit trail: sealed, its head logged, old events removed |
//!
//! To add a task: implement [`Task`] in a file of its own, and hand it to the [`Driver`] in `server`.

pub mod audit_head;
pub mod driver;
pub mod history;
pub mod retention;
pub mod sealing;
pub mod status;
pub mod task;
pub mod transitions;

pub use driver::{Activation, Driver};
pub use status::TaskMetrics;
pub use task::{Scope, Task};
