//! The series to which a sample belongs: the labels of the exposition, and those of its origin.
//!
//! `job` is the cluster; `instance` and `member` are the member, so that equal series of two members stay separate. A label
//! of the exposition with one of these names is renamed to `exported_…`, as Prometheus does when it scrapes. A label with an
//! empty value is left out. Remote write requires the labels to be sorted by name.

use std::borrow::Cow;

use exposition::{Label, LabelValue, Sample};
use protocol::ClusterName;

/// The label that contains the metric's name in remote write.
const NAME: &str = "__name__";

/// How the label `job` is derived from a cluster's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobLabel {
    /// The name, unchanged.
    #[default]
    Name,
    /// The name with each `-` replaced by `_`, for dashboards of the previous Cluster Manager. Two clusters can get the same
    /// job.
    Folded,
}

/// The origin of an exposition, as labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    job: String,
    member: String,
}

/// A label of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesLabel<'a> {
    /// The label's name.
    pub name: Cow<'a, str>,
    /// The label's value, never empty.
    pub value: LabelValue<'a>,
}

impl JobLabel {
    fn of(self, cluster: &ClusterName) -> String {
        match self {
            Self::Name => cluster.as_str().to_owned(),
            Self::Folded => cluster.as_str().replace('-', "_"),
        }
    }
}

impl Origin {
    /// The labels of a cluster's member.
    pub fn new(cluster: &ClusterName, member: &str, job: JobLabel) -> Self {
        Self { job: job.of(cluster), member: member.to_owned() }
    }

    /// The label `job`.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The labels `instance` and `member`.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// A hash that is the same on every machine and in every version. It selects the shard.
    pub fn hash(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(self.job.as_bytes());
        // This byte never occurs in UTF-8. It separates `a`, `bc` from `ab`, `c`.
        hasher.update(&[0xFF]);
        hasher.update(self.member.as_bytes());
        hasher.finalize()
    }

    /// Fills the list with all labels of a sample's series, sorted by name.
    pub fn series<'a>(&'a self, sample: &Sample<'_, 'a>, out: &mut Vec<SeriesLabel<'a>>) {
        out.clear();
        let own = self.own(sample.name);
        let clashes = sample.labels.iter().any(|label| is_own(label.name));
        if clashes || !sample.is_sorted {
            out.extend(own.into_iter().filter(|label| !label.value.is_empty()));
            for label in sample.labels.iter().filter(|label| !label.value.is_empty()) {
                out.push(SeriesLabel { name: renamed(label.name, sample.labels), value: label.value });
            }
            out.sort_by(|a, b| a.name.cmp(&b.name));
        } else {
            merge(own, sample.labels, out);
        }
    }

    fn own<'a>(&'a self, metric: &'a str) -> [SeriesLabel<'a>; 4] {
        let label = |name, value| SeriesLabel { name: Cow::Borrowed(name), value: LabelValue::plain(value) };
        let member = self.member.as_str();
        [
            label(NAME, metric),
            label("instance", member),
            label("job", self.job.as_str()),
            label("member", member),
        ]
    }
}

/// Merges two sorted lists that have no name in common.
fn merge<'a>(own: [SeriesLabel<'a>; 4], labels: &[Label<'a>], out: &mut Vec<SeriesLabel<'a>>) {
    let mut own = own.into_iter().filter(|label| !label.value.is_empty()).peekable();
    for label in labels.iter().filter(|label| !label.value.is_empty()) {
        while let Some(before) = own.next_if(|own| *own.name < *label.name) {
            out.push(before);
        }
        out.push(SeriesLabel { name: Cow::Borrowed(label.name), value: label.value });
    }
    out.extend(own);
}

fn is_own(name: &str) -> bool {
    matches!(name, "instance" | "job" | "member")
}

/// Prefixes a clashing name until it is unique.
fn renamed<'a>(name: &'a str, labels: &[Label<'_>]) -> Cow<'a, str> {
    if !is_own(name) {
        return Cow::Borrowed(name);
    }
    let mut renamed = format!("exported_{name}");
    while labels.iter().any(|label| label.name == renamed) {
        renamed.insert_str(0, "exported_");
    }
    Cow::Owned(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::Parser;

    fn series(cluster: &str, member: &str, job: JobLabel, line: &str) -> String {
        let origin = Origin::new(&ClusterName::new(cluster).unwrap(), member, job);
        let mut parser = Parser::new(line.as_bytes());
        let sample = parser.next().unwrap().unwrap();
        let mut labels = Vec::new();
        origin.series(&sample, &mut labels);
        assert!(labels.is_sorted_by(|a, b| a.name < b.name), "{labels:?}");
        let labels: Vec<_> =
            labels.iter().map(|label| format!("{}={}", label.name, label.value.text())).collect();
        labels.join(" ")
    }

    #[test]
    fn labels_of_the_origin_are_added_in_order() {
        let labels = series("paris-1", "node/1", JobLabel::Name, r#"up{cpu="0",kind="x",name="y"} 1"#);
        assert_eq!(labels, "__name__=up cpu=0 instance=node/1 job=paris-1 kind=x member=node/1 name=y");
        let labels = series("é", "m", JobLabel::Name, r#"up{name="y",Big="z"} 1"#);
        assert_eq!(labels, "Big=z __name__=up instance=m job=é member=m name=y");
    }

    #[test]
    fn clashing_labels_are_renamed_as_in_prometheus() {
        let labels = series("c", "m", JobLabel::Name, r#"up{job="a",instance="b"} 1"#);
        assert_eq!(labels, "__name__=up exported_instance=b exported_job=a instance=m job=c member=m");
        let labels = series("c", "m", JobLabel::Name, r#"up{job="a",exported_job="b"} 1"#);
        assert_eq!(labels, "__name__=up exported_exported_job=a exported_job=b instance=m job=c member=m");
    }

    #[test]
    fn labels_with_an_empty_value_are_left_out() {
        let labels = series("c", "", JobLabel::Name, r#"up{device="",b="1",a="2"} 1"#);
        assert_eq!(labels, "__name__=up a=2 b=1 job=c");
    }

    #[test]
    fn job_is_folded_only_if_configured() {
        assert_eq!(
            series("a-b c.é", "m", JobLabel::Folded, "up 1"),
            "__name__=up instance=m job=a_b c.é member=m"
        );
        assert_eq!(
            series("a-b c.é", "m", JobLabel::Name, "up 1"),
            "__name__=up instance=m job=a-b c.é member=m"
        );
    }

    #[test]
    fn equal_labels_have_equal_hashes() {
        let hash = |cluster: &str, member: &str, job| {
            Origin::new(&ClusterName::new(cluster).unwrap(), member, job).hash()
        };
        assert_eq!(hash("a-b", "m", JobLabel::Folded), hash("a_b", "m", JobLabel::Folded));
        assert_ne!(hash("a-b", "m", JobLabel::Name), hash("a_b", "m", JobLabel::Name));
        assert_ne!(hash("a", "bc", JobLabel::Name), hash("ab", "c", JobLabel::Name));
    }
}
