//! The cluster's side of the protocol: `cluster-agent` for a plain LXD, `fleetsim` for thousands of simulated clusters.
//!
//! | module | holds |
//! |---|---|
//! | [`client`] | the client side of the protocol: probe, pinned call, join, heartbeat, leave |
//! | [`lxd`] | reads an LXD server or cluster over its Unix socket and makes a report |
//! | [`state`] | the agent's state folder: its keys and the hub that it joined |
//! | [`cli`] | the commands of `cluster-agent` |
//! | [`fleetsim`] | the simulator: schedule, faults, measurements and its command line |
//! | [`process`] | logging and signals of both programs |
//! | [`terminal`] | what both programs print |
//!
//! Both programs and the end-to-end tests share [`client`], which behaves as deployed clusters do.

pub mod cli;
pub mod client;
pub mod fleetsim;
pub mod lxd;
pub mod process;
pub mod state;
pub mod terminal;

#[cfg(test)]
mod testing;
