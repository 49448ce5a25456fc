use super::*;

#[test]
fn empty_search_and_duplicates_are_removed_and_invalid_values_refused() {
    let filter = |json: &str| serde_json::from_str::<ClusterFilter>(json).unwrap().validated();
    for nothing in [r#"{"search":""}"#, r#"{"search":null}"#, r#"{"health":[],"member-status":[]}"#] {
        assert_eq!(filter(nothing), Ok(ClusterFilter::default()), "{nothing}");
    }
    let repeated = filter(r#"{"warning":["memory","memory"],"instance-status":["Error","ERROR"]}"#).unwrap();
    assert_eq!((repeated.warning.len(), repeated.instance_status), (1, vec!["Error".to_owned()]));
    assert!(filter("{\"search\":\"a\\u0000\"}").is_err());
    assert!(filter(r#"{"member-status":[""]}"#).is_err());
    let many = (0..=ClusterFilter::MAX_STATUSES).map(|number| number.to_string()).collect();
    assert!(ClusterFilter { member_status: many, ..ClusterFilter::default() }.validated().is_err());
}

fn parse(parameters: &[(&str, &str)]) -> Result<Option<ClusterQuery>, InvalidQuery> {
    let parameters: Vec<_> = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    ClusterQuery::parse(&parameters)
}

fn error(name: &str, value: &str) -> String {
    parse(&[(name, value)]).unwrap_err().to_string()
}

#[test]
fn no_parameters_ask_for_the_whole_list() {
    assert_eq!(parse(&[]), Ok(None));
}

#[test]
fn page_has_the_fifty_worst_clusters_by_default() {
    let page = parse(&[("search", "")]).unwrap().unwrap();
    assert_eq!((page.sort, page.order, page.limit), (SortBy::Health, Order::Desc, 50));
    let page = parse(&[("sort", "name")]).unwrap().unwrap();
    assert_eq!((page.sort, page.order), (SortBy::Name, Order::Asc));
    assert_eq!(parse(&[("limit", "500")]).unwrap().unwrap().limit, 500);
}

#[test]
fn list_has_commas_or_repeats_its_parameter() {
    let commas = parse(&[("health", "late,lost"), ("member-status", "Offline,Evacuated")]).unwrap();
    let repeated = [
        ("health", "late"),
        ("health", "lost"),
        ("member-status", "Offline"),
        ("member-status", "Evacuated"),
    ];
    assert_eq!(commas, parse(&repeated).unwrap());
    assert_eq!(commas.unwrap().filter.health, [HealthState::Late, HealthState::Lost]);
}

#[test]
fn invalid_parameter_is_named_with_its_valid_values() {
    assert_eq!(
        error("serach", "x"),
        "there is no parameter \"serach\"; the parameters are limit, cursor, sort, order, search, health, warning, \
         member-status, instance-status, memory-above, storage-above, fields"
    );
    assert_eq!(error("health", "late,bad"), "health cannot be \"bad\"; it must be fresh, late, lost");
    assert_eq!(error("limit", "501"), "limit cannot be \"501\"; it must be a whole number from 1 to 500");
    for (name, value) in [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", ""),
        ("sort", "Name"),
        ("order", "up"),
        ("fields", "name"),
        ("warning", ""),
        ("member-status", ","),
        ("instance-status", "a\0"),
        ("memory-above", "101"),
        ("storage-above", "80.5"),
        ("search", "\0"),
    ] {
        assert!(error(name, value).starts_with(name), "{name} {value}");
    }
    assert_eq!(parse(&[("limit", "1"), ("limit", "2")]), Err(InvalidQuery::Repeated { name: "limit" }));
    assert!(error("sort", &"é".repeat(5000)).len() < 300);
}

#[test]
fn filter_is_the_same_from_query_and_json() {
    let page = parse(&[
        ("search", "Ü%"),
        ("health", "late,lost"),
        ("warning", "storage,certificate"),
        ("member-status", "Offline"),
        ("instance-status", "Error"),
        ("memory-above", "80"),
        ("storage-above", "0"),
    ]);
    let json = r#"{"search":"Ü%","health":["late","lost"],"warning":["storage","certificate"],
        "member-status":["Offline"],"instance-status":["Error"],"memory-above":80,"storage-above":0}"#;
    let filter: ClusterFilter = serde_json::from_str(json).unwrap();
    assert_eq!(page.unwrap().unwrap().filter, filter);
    assert_eq!(serde_json::from_str::<ClusterFilter>("{}").unwrap(), ClusterFilter::default());
    assert!(serde_json::from_str::<ClusterFilter>(r#"{"healt":[]}"#).is_err());
    assert!(serde_json::from_str::<ClusterFilter>(r#"{"memory-above":101}"#).is_err());
}
