//! The warnings of reports, in words.

use protocol::Heartbeat;
use time::macros::datetime;

use super::*;

fn texts(body: &str) -> Vec<String> {
    let report = Heartbeat::parse(body.as_bytes()).unwrap();
    findings(&report.details, &report.misfits, Thresholds::default())
        .into_iter()
        .map(|finding| format!("{} {}: {}", finding.severity.as_str(), finding.kind, finding.text))
        .collect()
}

#[test]
fn healthy_report_has_no_warnings() {
    assert!(texts("{}").is_empty());
    assert!(
        texts(
            r#"{"memory_total_amount":100,"memory_usage":80,
            "storage_pool_usages":[{"name":"local","member":"m","total":10,"usage":8},{"name":"empty"}],
            "member_statuses":[{"status":"ONLINE","count":3},{"status":"Offline","count":0}],
            "instance_statuses":[{"status":"Stopped","count":3}],"ceph_statuses":[{"status":"online","count":1}]}"#
        )
        .is_empty()
    );
}

#[test]
fn each_kind_has_its_text() {
    assert_eq!(
        texts(
            r#"{"memory_total_amount":1000,"memory_usage":801,
            "storage_pool_usages":[{"name":"local","member":"m1","total":100,"usage":96},{"name":"remote","total":100,"usage":81}],
            "member_statuses":[{"status":"Online","count":2},{"status":"Offline","count":1},{"status":"Evacuated","count":2}],
            "instance_statuses":[{"status":"Error","count":2}],"ceph_statuses":[{"status":"Warning","count":1}]}"#
        ),
        [
            "warning members: 2 members are Evacuated",
            "critical members: 1 member is Offline",
            "critical ceph: 1 Ceph service is Warning",
            "critical storage: storage pool local on m1 is 96% full, above 80%",
            "warning storage: storage pool remote is 81% full, above 80%",
            "warning memory: memory is 81% used, above 80%",
            "warning instances: 2 instances are in Error",
        ]
    );
}

#[test]
fn status_listed_twice_is_one_warning() {
    let twice = r#"{"member_statuses":[{"status":"Offline","count":1},{"status":"OFFLINE","count":1}]}"#;
    assert_eq!(texts(twice).len(), 1);
}

#[test]
fn pool_listed_twice_has_the_worse_warning() {
    let twice = r#"{"storage_pool_usages":[{"name":"p","total":100,"usage":85},{"name":"p","total":100,"usage":99}]}"#;
    assert_eq!(texts(twice), ["critical storage: storage pool p is 99% full, above 80%"]);
}

#[test]
fn warnings_beyond_the_limit_are_counted() {
    let words = (0..62).map(|number| format!("s{number:04}")).chain(["MORE".to_owned(), "more".to_owned()]);
    let words: Vec<String> = words.map(|word| format!(r#"{{"status":"{word}","count":1}}"#)).collect();
    let found = texts(&format!(r#"{{"member_statuses":[{}]}}"#, words.join(",")));
    assert_eq!(found.len(), 51);
    assert!(found.contains(&"critical members: 13 more warnings of this kind".to_owned()));
}

#[test]
fn values_that_were_left_out_are_one_warning() {
    let found = texts(
        r#"{"memory_usage":-1,"cpu_load_1":"NaN","member_statuses":[{"status":"Offline","count":1},5,{"count":-1}],
        "cpu_load_1":"0.1"}"#,
    );
    assert_eq!(
        found,
        [
            "critical members: 1 member is Offline",
            "warning report: left out of the last report: memory_usage (negative), cpu_load_1 (2 values; the first \
             is not a decimal number of 0 or more), member_statuses (2 values; the first is of the wrong type)",
        ]
    );
}

#[test]
fn certificate_warning_starts_sixty_days_ahead() {
    let now = datetime!(2030-01-01 00:00 UTC);
    assert_eq!(of_certificate(now + Duration::days(61), now), None);
    let soon = of_certificate(now + Duration::days(59), now).unwrap();
    assert_eq!(
        (soon.severity, soon.text.as_str()),
        (Severity::Warning, "the cluster's certificate expires in 59 d")
    );
    assert_eq!(soon.since, now - Duration::DAY);
    assert_eq!(of_certificate(now - Duration::DAY, now).unwrap().severity, Severity::Critical);
}
