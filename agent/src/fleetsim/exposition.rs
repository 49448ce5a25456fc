//! Plausible LXD expositions of any size, with LXD's metric names and labels.

use std::fmt::Write as _;

/// LXD's metric families: name, type, help and the extra labels of each sample.
const FAMILIES: &[(&str, &str, &str, &[&str])] = &[
    (
        "lxd_cpu_seconds_total",
        "counter",
        "The total number of CPU time used in seconds.",
        &[
            r#"cpu="0",mode="system","#,
            r#"cpu="0",mode="user","#,
            r#"cpu="1",mode="system","#,
            r#"cpu="1",mode="user","#,
        ],
    ),
    ("lxd_disk_read_bytes_total", "counter", "The total number of bytes read.", &[r#"device="vda","#]),
    ("lxd_disk_written_bytes_total", "counter", "The total number of bytes written.", &[r#"device="vda","#]),
    (
        "lxd_filesystem_avail_bytes",
        "gauge",
        "The number of available space in bytes.",
        &[r#"device="/dev/vda1",fstype="ext4",mountpoint="/","#],
    ),
    (
        "lxd_filesystem_size_bytes",
        "gauge",
        "The size of the filesystem in bytes.",
        &[r#"device="/dev/vda1",fstype="ext4",mountpoint="/","#],
    ),
    ("lxd_memory_Active_bytes", "gauge", "The amount of memory on active LRU list.", &[""]),
    ("lxd_memory_Cached_bytes", "gauge", "The amount of cached memory.", &[""]),
    ("lxd_memory_MemAvailable_bytes", "gauge", "The amount of available memory.", &[""]),
    ("lxd_memory_MemFree_bytes", "gauge", "The amount of free memory.", &[""]),
    ("lxd_memory_MemTotal_bytes", "gauge", "The amount of used memory.", &[""]),
    ("lxd_memory_RSS_bytes", "gauge", "The amount of anonymous and swap cache memory.", &[""]),
    ("lxd_memory_Swap_bytes", "gauge", "The amount of used swap memory.", &[""]),
    (
        "lxd_network_receive_bytes_total",
        "counter",
        "The amount of received bytes on a given interface.",
        &[r#"device="eth0","#, r#"device="lo","#],
    ),
    (
        "lxd_network_transmit_bytes_total",
        "counter",
        "The amount of transmitted bytes on a given interface.",
        &[r#"device="eth0","#, r#"device="lo","#],
    ),
    ("lxd_procs_total", "gauge", "The number of running processes.", &[""]),
];

/// An exposition of about `kib` KiB, empty for 0. The variant changes names and values.
pub(super) fn exposition(kib: usize, variant: usize) -> String {
    if kib == 0 {
        return String::new();
    }
    let (one, two) = (write(1, variant).len(), write(2, variant).len());
    let instances = (kib * 1024).saturating_sub(one) / (two - one) + 1;
    write(instances, variant)
}

fn write(instances: usize, variant: usize) -> String {
    let mut text = String::new();
    for (family, (name, kind, help, labels)) in FAMILIES.iter().enumerate() {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for instance in 0..instances {
            for label in *labels {
                let value = 4096 * (1 + family * 31 + instance * 7 + variant);
                let _ = writeln!(
                    text,
                    r#"{name}{{{label}name="c{variant}-{instance}",project="default",type="container"}} {value}"#
                );
            }
        }
    }
    text + "# EOF\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposition_has_about_the_requested_size() {
        assert_eq!(exposition(0, 0), "");
        for kib in [8, 64, 500] {
            let length = exposition(kib, 3).len();
            assert!(length.abs_diff(kib * 1024) < 2048 + kib * 50, "{kib} KiB: {length}");
        }
    }

    #[test]
    fn exposition_has_help_samples_and_an_end() {
        let text = exposition(8, 1);
        assert!(text.starts_with("# HELP lxd_cpu_seconds_total "));
        assert!(text.contains(r#"lxd_procs_total{name="c1-0",project="default",type="container"} "#));
        assert!(text.ends_with("# EOF\n"));
    }
}
