//! The exposition of an LXD with many instances: that of a real one with three, with one of them repeated.

use std::fmt::Write as _;

const REAL: &str = include_str!("../../../exposition/tests/fixtures/lxd-5.0.txt");
const REPEATED: &str = "\"web-1\"";

/// The exposition of a member with this many instances, ordered by metric as LXD writes it.
pub(crate) fn exposition(instances: usize) -> String {
    let mut text = String::new();
    let mut family = Vec::new();
    for line in REAL.lines() {
        if line.contains(REPEATED) {
            family.push(line);
        } else if line.starts_with('#') {
            repeat(&mut family, instances, &mut text);
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn repeat(family: &mut Vec<&str>, instances: usize, text: &mut String) {
    for instance in 0..instances {
        for line in family.iter() {
            // Real values differ between instances. Equal ones would compress too well.
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value: f64 = value.parse().expect("a number");
            let series = series.replace(REPEATED, &format!("\"instance-{instance:04}\""));
            let _ = writeln!(text, "{series} {}", value + (instance * 7919) as f64 / 64.0);
        }
    }
    family.clear();
}

/// The text as the inside of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a text");
    quoted[1..quoted.len() - 1].to_owned()
}
