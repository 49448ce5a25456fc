//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process needs besides its clients' connections: the database, sinks, tunnels, files, the status port.
const KEPT: usize = 256;
/// The largest part of the connections that one network may have unauthenticated: a quarter.
const NETWORKS: usize = 4;

/// Raises the limit of open files as far as the process may, and returns it.
pub(crate) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let raised = getrlimit(Resource::Nofile).current;
    raised.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// The numbers of connections, of all and of a network, that a process with this many files can keep open.
pub(crate) fn fit(files: usize, connections: usize, per_network: usize) -> (usize, usize) {
    let all = connections.min(files.saturating_sub(KEPT).max(files / 2));
    (all, per_network.min((all / NETWORKS).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        assert_eq!(fit(1_048_576, 16_384, 1024), (16_384, 1024));
        assert_eq!(fit(usize::MAX, 16_384, 1024), (16_384, 1024));
        assert_eq!(fit(1024, 16_384, 1024), (768, 192), "one network does not use up the files");
        assert_eq!(fit(256, 16_384, 1024), (128, 32));
    }

    #[test]
    fn limit_is_raised_to_the_maximum() {
        let files = raise_limit();
        let maximum = getrlimit(Resource::Nofile).maximum;
        assert!(maximum.is_none_or(|maximum| files as u64 == maximum));
    }
}
