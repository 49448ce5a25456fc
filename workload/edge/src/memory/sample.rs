//! How much memory the process uses, and how much its container may use.

use std::fs;
use std::path::Path;

/// Limits from here on, in bytes, stand for none: version 1 of control groups has no other word for it.
const UNLIMITED: u64 = 1 << 60;
/// The size of a page in bytes, of which `statm` counts. Linux on x86-64 and, usually, on 64-bit ARM.
const PAGE_BYTES: u64 = 4096;

/// The resident set of this process in bytes. `None` if the system does not say.
pub fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

/// The memory limit of this process' control group in bytes, the smallest of it and its parents. `None` if there is none.
pub fn container_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limit_below(Path::new("/sys/fs/cgroup"), &groups)
}

/// The limit as the files below `root` have it, where `/proc/self/cgroup` has these lines.
fn limit_below(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            smallest(root, path, "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            smallest(&root.join("memory"), path, "memory.limit_in_bytes")
        } else {
            None
        }
    });
    limits.min()
}

/// The smallest limit of the group and its parents. In a container the path is often one of the host: then only the root
/// exists, which is the container's own group.
fn smallest(root: &Path, path: &str, file: &str) -> Option<u64> {
    let group = root.join(path);
    let groups = group.ancestors().take_while(|folder| folder.starts_with(root));
    let limits = groups.filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok());
    limits.filter(|limit| (1..UNLIMITED).contains(limit)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn version_2_has_the_smallest_limit_of_all_parents() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a/memory.max", "500000000\n");
        write(root.path(), "a/b/memory.max", "max\n");
        write(root.path(), "a/b/c/memory.max", "900000000\n");
        assert_eq!(limit_below(root.path(), "0::/a/b/c\n"), Some(500_000_000));
        assert_eq!(limit_below(root.path(), "0::/\n"), None);
    }

    #[test]
    fn container_sees_its_own_group_as_the_root() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "memory.max", "268435456\n");
        assert_eq!(limit_below(root.path(), "0::/kubepods/pod1/container1\n"), Some(268_435_456));
    }

    #[test]
    fn version_1_says_unlimited_with_a_huge_number() {
        let root = tempfile::tempdir().unwrap();
        let groups = "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n";
        write(root.path(), "memory/a/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit_below(root.path(), groups), None);
        write(root.path(), "memory/memory.limit_in_bytes", "1000000000\n");
        assert_eq!(limit_below(root.path(), groups), Some(1_000_000_000));
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1_000_000));
    }
}
