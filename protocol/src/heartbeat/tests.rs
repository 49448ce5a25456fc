use proptest::prelude::*;

use super::*;

const FULL: &str = r##"{"ceph_statuses":[{"status":"Online","count":3}],"cpu_total_count":8,"cpu_load_1":"0.42",
    "cpu_load_5":"0.5","cpu_load_15":"1","memory_total_amount":1024,"memory_usage":512,
    "storage_pool_usages":[{"name":"local","member":"m1","total":18446744073709551615,"usage":7},
        {"name":"remote","member":"","total":9,"usage":1}],
    "member_statuses":[{"status":"Online","count":1}],
    "instance_statuses":[{"status":"Running","count":2},{"status":"Stopped","count":1}],
    "server_metrics":[{"member":"m1","service":"LXD","metrics":"# HELP a \"b\"\n  a{x=\"1\"} 1\n# EOF"}],
    "ui_url":"https://10.0.0.1:8443","unknown_field":{"x":[1]}}"##;

#[test]
fn full_report_is_parsed_in_order() {
    let heartbeat = Heartbeat::parse(FULL.as_bytes()).unwrap();
    assert_eq!(heartbeat.details.instance_count(), 3);
    assert_eq!(heartbeat.details.member_count(), 1);
    assert_eq!(heartbeat.details.ceph_count(), 3);
    assert_eq!(heartbeat.details.cpu_load_1.as_str(), "0.42");
    assert_eq!(heartbeat.details.storage_pool_usages[0].total, u64::MAX);
    assert_eq!(heartbeat.details.storage_pool_usages[1].member, "");
    assert_eq!(heartbeat.details.instance_statuses[1].status, "Stopped");
}

#[test]
fn metrics_are_an_escaped_slice_of_the_body() {
    let heartbeat = Heartbeat::parse(FULL.as_bytes()).unwrap();
    let metrics = heartbeat.metrics[0].metrics;
    assert_eq!(metrics, r#"# HELP a \"b\"\n  a{x=\"1\"} 1\n# EOF"#);
    let body = FULL.as_bytes().as_ptr_range();
    assert!(body.contains(&metrics.as_ptr()));
}

#[test]
fn every_list_and_scalar_may_be_null_or_absent() {
    let nulls = r#"{"ceph_statuses":null,"cpu_total_count":null,"cpu_load_1":null,"cpu_load_5":null,
        "cpu_load_15":null,"memory_total_amount":null,"memory_usage":null,"storage_pool_usages":null,
        "member_statuses":null,"instance_statuses":null,"server_metrics":null,"ui_url":null}"#;
    let empty_entries = r#"{"server_metrics":[{"member":"m","service":"LXD","metrics":null},{}]}"#;
    for body in ["{}", nulls, empty_entries] {
        let heartbeat = Heartbeat::parse(body.as_bytes()).unwrap();
        assert_eq!(heartbeat, Heartbeat { details: Details::default(), metrics: vec![] });
    }
}

#[test]
fn value_that_cannot_be_stored_is_refused_with_its_field() {
    for (body, error) in [
        (r#"{"cpu_total_count":-1}"#, "cpu_total_count: the number cannot be negative"),
        (r#"{"memory_usage":-1}"#, "memory_usage: the number cannot be negative"),
        (r#"{"cpu_load_1":"NaN"}"#, "cpu_load_1: a load must be a decimal number of 0 or more"),
        (r#"{"cpu_load_5":"-0.5"}"#, "cpu_load_5: a load must be a decimal number of 0 or more"),
        (r#"{"cpu_load_15":"inf"}"#, "cpu_load_15: a load must be a decimal number of 0 or more"),
        (r#"{"ui_url":"https://a\u0000b"}"#, "ui_url: text cannot contain NUL"),
        (
            r#"{"member_statuses":[{"status":"a","count":2147483647},{"status":"b","count":1}]}"#,
            "member_statuses: the counts add up to more than 2147483647",
        ),
        (r#"{"storage_pool_usages":[{"name":"\u0000"}]}"#, "storage_pool_usages: text cannot contain NUL"),
        (
            r#"{"server_metrics":[{"metrics":5}]}"#,
            "server_metrics: the metrics of a member must be one string",
        ),
    ] {
        assert_eq!(Heartbeat::parse(body.as_bytes()).unwrap_err().to_string(), error, "{body}");
    }
}

#[test]
fn invalid_json_is_refused_with_a_short_error() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"cpu_total_count":"{}"}}"#, "x".repeat(1_000_000));
    let huge = r#"{"memory_usage":9223372036854775808}"#;
    let negative = r#"{"instance_statuses":[{"status":"Running","count":-1}]}"#;
    for body in ["", "null", "[]", "{", "{\"x\":NaN}", r#"{"ui_url":"\ud800"}"#, huge, negative, &deep, &long]
    {
        let error = Heartbeat::parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("the body is not a heartbeat: ") && error.len() < 300, "{error}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>) {
        let _ = Heartbeat::parse(&body);
    }

    #[test]
    fn details_survive_a_round_trip(
        counts in prop::collection::vec((".{0,20}", 0u32..1000), 0..5),
        loads in prop::array::uniform3(0.0f64..1000.0),
        memory in 0i64..,
        pools in prop::collection::vec((".{0,20}", ".{0,20}", any::<u64>(), any::<u64>()), 0..5),
    ) {
        let statuses: Vec<_> = counts
            .into_iter()
            .map(|(status, count)| StatusCount { status: status.replace('\0', ""), count })
            .collect();
        let load = |value: f64| Load::from_stored(format!("{value:.2}"));
        let details = Details {
            ceph_statuses: statuses.clone(),
            instance_statuses: statuses,
            cpu_load_1: load(loads[0]),
            cpu_load_5: load(loads[1]),
            cpu_load_15: load(loads[2]),
            memory_usage: memory,
            storage_pool_usages: pools
                .into_iter()
                .map(|(name, member, total, usage)| StoragePoolUsage {
                    name: name.replace('\0', ""),
                    member: member.replace('\0', ""),
                    total,
                    usage,
                })
                .collect(),
            ..Details::default()
        };
        let body = serde_json::to_vec(&details).unwrap();
        prop_assert_eq!(Heartbeat::parse(&body).unwrap().details, details);
    }
}
