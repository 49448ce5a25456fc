//! What the parser accepts, and what it refuses.

use super::*;

#[derive(Debug, Clone, PartialEq)]
struct Owned {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    timestamp: Option<i64>,
}

fn read(text: impl AsRef<[u8]>) -> Vec<Result<Owned, BadLine>> {
    let mut parser = Parser::new(text.as_ref());
    let mut lines = Vec::new();
    while let Some(line) = parser.next() {
        lines.push(line.map(|sample| {
            Owned {
                name: sample.name.to_owned(),
                labels: sample
                    .labels
                    .iter()
                    .map(|label| (label.name.to_owned(), label.value.text().into_owned()))
                    .collect(),
                value: sample.value,
                timestamp: sample.timestamp_millis,
            }
        }));
    }
    lines
}

fn one(line: &str) -> Result<Owned, BadLine> {
    let mut lines = read(line);
    assert_eq!(lines.len(), 1, "{line:?}");
    lines.remove(0)
}

fn sample(name: &str, labels: &[(&str, &str)], value: f64) -> Owned {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Owned { name: name.to_owned(), labels, value, timestamp: None }
}

#[test]
fn samples_with_and_without_labels() {
    assert_eq!(one("up 1"), Ok(sample("up", &[], 1.0)));
    assert_eq!(one("up{} 1"), Ok(sample("up", &[], 1.0)));
    assert_eq!(one(r#"a:b_1{c="d",e="f"} -2.5e3"#), Ok(sample("a:b_1", &[("c", "d"), ("e", "f")], -2500.0)));
    assert_eq!(one(r#"a{c="",} 1"#), Ok(sample("a", &[("c", "")], 1.0)));
}

#[test]
fn blanks_are_allowed_everywhere() {
    let expected =
        Ok(Owned { timestamp: Some(1_395_066_363_000), ..sample("a", &[("c", "d"), ("e", "f")], 3.0) });
    for line in [
        "a{c=\"d\",e=\"f\"} 3 1395066363000",
        "  \ta { c = \"d\" , e = \"f\" , }\t3  1395066363000 \r",
        "a{c=\"d\",e=\"f\"}3 1395066363000",
    ] {
        assert_eq!(one(line), expected, "{line:?}");
    }
    assert_eq!(read("\n  \n\r\n# HELP a b\n   # TYPE a counter\n#\n# EOF\n"), []);
}

#[test]
fn every_metric_type_becomes_samples() {
    let text = r#"
# TYPE h histogram
h_bucket{le="0.5"} 1
h_bucket{le="+Inf"} 2
h_sum 1.5
h_count 2
# TYPE s summary
s{quantile="0.99"} 4
# TYPE u untyped
u NaN
# TYPE g gauge
g -Inf
"#;
    let lines: Vec<_> = read(text).into_iter().map(Result::unwrap).collect();
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["h_bucket", "h_bucket", "h_sum", "h_count", "s", "u", "g"]);
    assert!(lines[5].value.is_nan());
    assert!(lines[6].value.is_infinite() && lines[6].value.is_sign_negative());
}

#[test]
fn escapes_in_label_values_are_undone() {
    let line = one(r#"a{b="C:\\DIR\n\"x\" \y é\é"} 1"#);
    assert_eq!(line, Ok(sample("a", &[("b", "C:\\DIR\n\"x\" \\y é\\é")], 1.0)));
    assert_eq!(one(r#"a{b="\\"} 1"#), Ok(sample("a", &[("b", "\\")], 1.0)));
}

#[test]
fn length_and_bytes_of_a_label_value_match_its_text() {
    let text = r#"a{b="x\\y\n\"\z",c="plain"} 1"#;
    let mut parser = Parser::new(text.as_bytes());
    for label in parser.next().unwrap().unwrap().labels {
        let mut bytes = Vec::new();
        label.value.write_to(&mut bytes);
        assert_eq!(bytes, label.value.text().as_bytes());
        assert_eq!(bytes.len(), label.value.len());
    }
}

#[test]
fn exemplars_are_skipped() {
    assert_eq!(
        one(r#"a_total{b="c"} 1 # {trace_id="x"} 0.5 123.4"#),
        Ok(sample("a_total", &[("b", "c")], 1.0))
    );
    let stamped = one(r#"a_total 1 1700000000000 # {trace_id="x"} 0.5"#).unwrap();
    assert_eq!(stamped.timestamp, Some(1_700_000_000_000));
}

#[test]
fn timestamps_are_milliseconds_but_seconds_in_openmetrics() {
    let stamp = |text: &str| read(text)[0].clone().map(|sample| sample.timestamp);
    assert_eq!(stamp("a 1 1700000000"), Ok(Some(1_700_000_000)));
    assert_eq!(stamp("a 1 -1000\n"), Ok(Some(-1000)));
    assert_eq!(stamp("a 1 1700000000\n# EOF\n"), Ok(Some(1_700_000_000_000)));
    assert_eq!(stamp("a 1 1700000000.25\n# EOF"), Ok(Some(1_700_000_000_250)));
    // LXD writes the older format with the end marker of OpenMetrics.
    assert_eq!(stamp("a 1 1700000000000\n# EOF"), Ok(Some(1_700_000_000_000)));
    assert_eq!(stamp("a 1 1e300"), Err(BadLine::Timestamp));
    assert_eq!(stamp("a 1 soon"), Err(BadLine::Timestamp));
}

#[test]
fn bad_line_costs_only_itself_and_has_a_reason() {
    for (line, why) in [
        ("1a 1", BadLine::Name),
        ("{a=\"b\"} 1", BadLine::Name),
        ("é 1", BadLine::Name),
        ("a{b=\"c\" 1", BadLine::UnfinishedLabels),
        ("a{b=\"c\"", BadLine::UnfinishedLabels),
        ("a{", BadLine::UnfinishedLabels),
        ("a{b", BadLine::LabelName),
        ("a{b:c=\"d\"} 1", BadLine::LabelName),
        ("a{,} 1", BadLine::LabelName),
        ("a{__name__=\"b\"} 1", BadLine::LabelName),
        ("a{b=c} 1", BadLine::LabelValue),
        ("a{b=\"c} 1", BadLine::LabelValue),
        ("a{b=\"c\\\"} 1", BadLine::LabelValue),
        ("a{b=\"c\\", BadLine::LabelValue),
        ("a{b=\"1\",c=\"2\",b=\"3\"} 1", BadLine::DuplicateLabel),
        ("a", BadLine::Value),
        ("a{b=\"c\"}", BadLine::Value),
        ("a one", BadLine::Value),
        ("a 1e400", BadLine::Value),
        ("a 1 2 3", BadLine::Trailing),
        ("a 1 # exemplar", BadLine::Trailing),
    ] {
        let text = format!("before 1\n{line}\nafter 2\n");
        let lines = read(&text);
        assert_eq!(
            lines,
            [Ok(sample("before", &[], 1.0)), Err(why), Ok(sample("after", &[], 2.0))],
            "{line:?}"
        );
    }
}

#[test]
fn line_that_is_not_utf8_costs_only_itself() {
    let lines = read(b"a 1\nb{c=\"\xff\"} 1\nd 2");
    assert_eq!(lines, [Ok(sample("a", &[], 1.0)), Err(BadLine::NotUtf8), Ok(sample("d", &[], 2.0))]);
}

#[test]
fn line_that_is_too_long_costs_only_itself() {
    let long = format!("a{{b=\"{}\"}} 1\nc 1", "x".repeat(65_536));
    assert_eq!(read(long), [Err(BadLine::TooLong), Ok(sample("c", &[], 1.0))]);
}

#[test]
fn too_many_labels_are_refused() {
    let line = |count: usize| {
        let labels: Vec<_> = (0..count).map(|number| format!("l{number}=\"\"")).collect();
        format!("a{{{}}} 1", labels.join(","))
    };
    assert!(one(&line(128)).is_ok());
    assert_eq!(one(&line(129)), Err(BadLine::TooManyLabels));
}

#[test]
fn exposition_of_a_real_lxd_is_read_completely() {
    let text = include_str!("../tests/fixtures/lxd-5.0.txt");
    let lines = read(text);
    assert_eq!(lines.len(), text.lines().filter(|line| !line.starts_with('#')).count());
    assert!(lines.iter().all(Result::is_ok));
    let last =
        sample("lxd_procs_total", &[("name", "web-2"), ("project", "default"), ("type", "container")], 2.0);
    assert_eq!(lines.last(), Some(&Ok(last)));
}
