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
        let empty = Heartbeat { details: Details::default(), metrics: vec![], misfits: Misfits::default() };
        assert_eq!(heartbeat, empty);
    }
}

/// What was left out of a body, as text.
fn left_out(body: &str) -> Vec<String> {
    let heartbeat = Heartbeat::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
    heartbeat.misfits.iter().map(ToString::to_string).collect()
}

#[test]
fn value_that_cannot_be_stored_costs_its_field_only() {
    let long = format!(r#"{{"cluster_uuid":"{}"}}"#, "x".repeat(256));
    let escaped = format!(r#"{{"lxd_url":"{}"}}"#, "\\u0061".repeat(4097));
    for (body, problem) in [
        (r#"{"memory_usage":-33554432}"#, "memory_usage (negative)"),
        (r#"{"cpu_total_count":-9223372036854775809}"#, "cpu_total_count (negative)"),
        (r#"{"memory_usage":9223372036854775808}"#, "memory_usage (too large)"),
        (r#"{"memory_usage":99999999999999999999999}"#, "memory_usage (too large)"),
        (r#"{"memory_total_amount":1.5}"#, "memory_total_amount (not a whole number)"),
        (r#"{"memory_total_amount":1e3}"#, "memory_total_amount (not a whole number)"),
        (r#"{"cpu_total_count":"8"}"#, "cpu_total_count (of the wrong type)"),
        (r#"{"cpu_total_count":[8]}"#, "cpu_total_count (of the wrong type)"),
        (r#"{"cpu_load_1":"NaN"}"#, "cpu_load_1 (not a decimal number of 0 or more)"),
        (r#"{"cpu_load_5":"-0.5"}"#, "cpu_load_5 (not a decimal number of 0 or more)"),
        (r#"{"cpu_load_15":"inf"}"#, "cpu_load_15 (not a decimal number of 0 or more)"),
        (r#"{"cpu_load_1":0.42}"#, "cpu_load_1 (of the wrong type)"),
        (r#"{"ui_url":"https://a\u0000b"}"#, "ui_url (contains NUL)"),
        (r#"{"ui_url":"\ud800"}"#, "ui_url (not valid Unicode)"),
        (r#"{"lxd_url":{"a":"b"}}"#, "lxd_url (of the wrong type)"),
        (&escaped, "lxd_url (too long)"),
        (&long, "cluster_uuid (too long)"),
        (r#"{"memory_usage":5,"memory_usage":6}"#, "memory_usage (sent twice)"),
        (r#"{"memory_usage":null,"memory_\u0075sage":6}"#, "memory_usage (sent twice)"),
        (r#"{"member_statuses":"Online"}"#, "member_statuses (of the wrong type)"),
        (r#"{"server_metrics":{"member":"m1"}}"#, "server_metrics (of the wrong type)"),
    ] {
        let odd =
            body.replacen('{', r#"{"cpu_load_5":"","cpu_load_5":"","instance_statuses":[{"count":3}],"#, 1);
        assert_eq!(left_out(body), [problem], "{body}");
        assert_eq!(Heartbeat::parse(odd.as_bytes()).unwrap().details.instance_count(), 3, "the rest is kept");
    }
}

#[test]
fn entry_that_cannot_be_stored_costs_itself_only() {
    let long = "x".repeat(256);
    for (field, good, bad) in [
        ("member_statuses", r#"{"status":"Online","count":1}"#, r#"{"status":"Online","count":-1}"#),
        ("member_statuses", r#"{"status":"a","count":2147483647}"#, r#"{"status":"b","count":1}"#),
        ("instance_statuses", r#"{"count":1}"#, r#"{"count":4294967296}"#),
        ("instance_statuses", "{}", r#"{"status":"a","status":"a"}"#),
        ("ceph_statuses", r#"{"more":[{}]}"#, r#"["Online",1]"#),
        ("ceph_statuses", "{}", "null"),
        ("storage_pool_usages", r#"{"total":18446744073709551615}"#, r#"{"total":18446744073709551616}"#),
        ("storage_pool_usages", "{}", r#"{"usage":1.5}"#),
        ("storage_pool_usages", "{}", r#"{"name":5}"#),
        ("storage_pool_usages", "{}", r#"{"member":"\u0000"}"#),
        ("storage_pool_usages", r#"{"name":"x"}"#, &format!(r#"{{"name":"{long}"}}"#)),
        ("server_metrics", r#"{"metrics":"a 1"}"#, r#"{"metrics":5}"#),
        ("server_metrics", r#"{"metrics":"a 1"}"#, &format!(r#"{{"member":"{long}","metrics":"a 1"}}"#)),
    ] {
        let alone = format!(r#"{{"{field}":[{good}]}}"#);
        let body = format!(r#"{{"{field}":[{good},{bad},{bad}],"memory_usage":7}}"#);
        let heartbeat = Heartbeat::parse(body.as_bytes()).unwrap();
        let expected = Heartbeat::parse(alone.as_bytes()).unwrap();
        assert!(expected.misfits.is_empty(), "{good}");
        assert_eq!(heartbeat.details, Details { memory_usage: 7, ..expected.details }, "{body}");
        assert_eq!(heartbeat.metrics.len(), expected.metrics.len(), "{body}");
        let misfits: Vec<_> =
            heartbeat.misfits.iter().map(|misfit| (misfit.field.as_str(), misfit.count)).collect();
        assert_eq!(misfits, [(field, 2)], "{body}");
    }
}

#[test]
fn entries_beyond_the_limit_of_a_list_are_counted() {
    let name = "n".repeat(255);
    let huge = format!(r#"{{"name":"{name}","member":"{name}"}}"#);
    for (field, entry, kept, sent) in [
        ("member_statuses", r#"{"status":"Online","count":1}"#, MAX_STATUSES, 100),
        ("storage_pool_usages", "{}", MAX_POOLS, 5000),
        // 704 KiB are enough for this many with the longest names.
        ("storage_pool_usages", &huge, 1181, 5000),
        ("server_metrics", r#"{"member":"m","metrics":""}"#, MAX_MEMBERS, 2000),
    ] {
        let body = format!(r#"{{"{field}":[{}],"memory_usage":7}}"#, vec![entry; sent].join(","));
        let heartbeat = Heartbeat::parse(body.as_bytes()).unwrap();
        let details = &heartbeat.details;
        let lengths =
            [details.member_statuses.len(), details.storage_pool_usages.len(), heartbeat.metrics.len()];
        assert_eq!((lengths.iter().sum::<usize>(), details.memory_usage), (kept, 7), "{field}");
        let problem = format!("{field} ({} values; the first is beyond the limit of the list)", sent - kept);
        assert_eq!(left_out(&body), [problem]);
        assert!(serde_json::to_vec(details).unwrap().len() <= MAX_DETAILS_BYTES);
    }
}

#[test]
fn both_spellings_of_the_url_are_read_and_the_newer_one_counts() {
    for (body, url) in [
        (r#"{"ui_url":"https://a"}"#, "https://a"),
        (r#"{"lxd_url":"https://b"}"#, "https://b"),
        (r#"{"ui_url":"https://a","lxd_url":"https://b"}"#, "https://b"),
        (r#"{"lxd_url":"https://b","ui_url":"https://a"}"#, "https://b"),
        (r#"{"lxd_url":null,"ui_url":"https://a"}"#, "https://a"),
        (r#"{"lxd_url":7,"ui_url":"https://a"}"#, "https://a"),
    ] {
        assert_eq!(Heartbeat::parse(body.as_bytes()).unwrap().details.ui_url, url, "{body}");
    }
    let body = br#"{"cluster_uuid":"0193-x"}"#;
    assert_eq!(Heartbeat::parse(body).unwrap().details.cluster_uuid, "0193-x");
}

#[test]
fn what_is_no_json_object_is_refused_with_a_short_error() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"cpu_total_count":"{}"}} x"#, "x".repeat(1_000_000));
    for body in [
        "",
        "null",
        "[]",
        "5",
        "\"{}\"",
        "{",
        "{\"x\":NaN}",
        "{}{}",
        "{\"a\":1,}",
        "{\"a\":\"\n\"}",
        &deep,
        &long,
    ] {
        let error = Heartbeat::parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("the body is not a heartbeat: ") && error.len() < 100, "{error}");
    }
    assert!(Heartbeat::parse(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
}

#[test]
fn any_nesting_is_skipped() {
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let body = format!(
        r#"{{"unknown":{deep},"memory_usage":{deep},"member_statuses":[{deep}],"cpu_total_count":2}}"#
    );
    assert_eq!(left_out(&body), ["memory_usage (of the wrong type)", "member_statuses (of the wrong type)"]);
    assert_eq!(Heartbeat::parse(body.as_bytes()).unwrap().details.cpu_total_count, 2);
}

/// Any JSON value, with the names and words of a report in it more often than not.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let text = prop_oneof![
        "[ -~]{0,8}",
        any::<String>(),
        "x{250,260}",
        prop::sample::select(vec!["Online", "Error", "NaN", "0.5", "1e400", "-1", "\0", "https://a"])
            .prop_map(str::to_owned),
    ];
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0u32..100).prop_map(Value::from),
    ];
    let names = ["status", "count", "name", "member", "total", "usage", "service", "metrics"];
    let names = Field::ALL.map(Field::as_str).into_iter().chain(names).collect::<Vec<_>>();
    let key = prop_oneof![4 => prop::sample::select(names).prop_map(str::to_owned), 1 => any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        text.prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body: Vec<u8>) {
        let _ = Heartbeat::parse(&body);
    }

    #[test]
    fn exactly_the_json_objects_are_heartbeats_and_what_is_kept_can_be_stored(value in any_json()) {
        let body = serde_json::to_vec(&value).unwrap();
        let parsed = Heartbeat::parse(&body);
        prop_assert_eq!(parsed.is_ok(), value.is_object());
        if let Ok(heartbeat) = parsed {
            let stored = serde_json::to_vec(&heartbeat.details).unwrap();
            let again = Heartbeat::parse(&stored).unwrap();
            prop_assert_eq!(again.details, heartbeat.details);
            prop_assert!(again.misfits.is_empty());
        }
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
