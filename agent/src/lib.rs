//! The site's side of the protocol, twice: `cluster-agent` for a real LXD, `fleetsim` for thousands of simulated ones.
//!
//! | module | holds |
//! |---|---|
//! | [`client`] | the protocol as a client speaks it: probe, pinned call, join, heartbeat, leave |
//! | [`lxd`] | reading an LXD server or cluster, over its unix socket, into a report |
//! | [`state`] | the agent's folder: keys, and which hub it joined |
//! | [`cli`] | `cluster-agent`'s commands |
//! | [`fleetsim`] | the simulator: schedule, faults, measurements, and its command line |
//!
//! Both binaries and the end-to-end tests use the one [`client`]; what it does is what deployed clusters do.

pub mod cli;
pub mod client;
pub mod fleetsim;
pub mod lxd;
pub mod state;

#[cfg(test)]
mod testing;
