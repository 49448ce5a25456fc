//! Any text is either refused as a matcher or parsed, without a panic, and it is the same after being written and parsed
//! again. Applying it to a series terminates.

#![no_main]
#![allow(dead_code, unreachable_pub, unused_imports, unfulfilled_lint_expectations)]

// The source files of `relay` themselves: depending on the crate would build an HTTP client and a TLS library.
#[path = "../../../workload/relay/src"]
mod relay {
    pub(crate) mod filter;
    pub(crate) mod labels;
    pub(crate) mod time;
}

use exposition::Parser;
use filter::{Judge, Matcher, Rules, Verdict};
use labels::{JobLabel, Origin};
use libfuzzer_sys::fuzz_target;
use protocol::ClusterName;
use relay::{filter, labels, time};

const SERIES: &str = "lxd_cpu_seconds_total{cpu=\"0\",mode=\"system\",name=\"web-1\",project=\"default\"} 1";

fuzz_target!(|text: &str| {
    let Ok(matcher) = text.parse::<Matcher>() else { return };
    assert_eq!(matcher.to_string().parse().as_ref(), Ok(&matcher));

    let origin = Origin::new(&ClusterName::from_stored("paris".to_owned()), "node-1", JobLabel::Name);
    let mut parser = Parser::new(SERIES.as_bytes());
    let sample = parser.next().expect("a line").expect("a sample");
    let mut labels = Vec::new();
    origin.series(&sample, &mut labels);
    let deny = Rules { deny: vec![matcher.clone()], ..Rules::default() };
    let allow = Rules { allow: vec![matcher], ..Rules::default() };
    let denied = Judge::new(deny).judge(sample.name, &labels) == Verdict::Denied(0);
    let allowed = Judge::new(allow).judge(sample.name, &labels) == Verdict::Always;
    assert_eq!(denied, allowed, "the matcher contradicts itself");
});
