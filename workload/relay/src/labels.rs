//! Which series a sample belongs to: the exposition's labels, and those that say where it came from.
//!
//! `job` is the cluster, `instance` and `member` are the member, so that two members' equal series stay apart. A label
//! of the exposition with such a name is kept as `exported_…`, as Prometheus does when it scrapes. A label with an
//! empty value is none. Remote write wants the names in order.

use std::borrow::Cow;

use protocol::ClusterName;

use exposition::{Label, LabelValue, Sample};

/// The name under which remote write knows a metric's name.
const NAME: &str = "__name__";

/// How the label `job` is made of a cluster's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobLabel {
    /// The name, unchanged.
    #[default]
    Name,
    /// The name with anything but ASCII letters and digits turned into `_`, for dashboards of the program that came
    /// before. Two clusters can become one job by it.
    Folded,
}

/// Where an exposition came from, as labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    job: String,
    member: String,
}

/// A label of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesLabel<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value, never empty.
    pub value: LabelValue<'a>,
}

impl JobLabel {
    fn of(self, cluster: &ClusterName) -> String {
        let fold = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
        match self {
            Self::Name => cluster.as_str().to_owned(),
            Self::Folded => cluster.as_str().chars().map(fold).collect(),
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

    /// A number that is the same for the same labels, on every machine and in every version: the choice of a lane.
    pub fn hash(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(self.job.as_bytes());
        // No UTF-8 has this byte: it keeps `a`, `bc` and `ab`, `c` apart.
        hasher.update(&[0xFF]);
        hasher.update(self.member.as_bytes());
        hasher.finalize()
    }

    /// Puts the whole label set of a sample's series into the list, in order.
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

/// Both lists are in order, and no name is in both.
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

/// A clashing name is given the prefix until nothing has it.
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
    fn where_it_came_from_is_added_in_order() {
        let labels = series("paris-1", "node/1", JobLabel::Name, r#"up{cpu="0",kind="x",name="y"} 1"#);
        assert_eq!(labels, "__name__=up cpu=0 instance=node/1 job=paris-1 kind=x member=node/1 name=y");
        let labels = series("é", "m", JobLabel::Name, r#"up{name="y",Big="z"} 1"#);
        assert_eq!(labels, "Big=z __name__=up instance=m job=é member=m name=y");
    }

    #[test]
    fn a_clash_is_renamed_as_prometheus_does() {
        let labels = series("c", "m", JobLabel::Name, r#"up{job="a",instance="b"} 1"#);
        assert_eq!(labels, "__name__=up exported_instance=b exported_job=a instance=m job=c member=m");
        let labels = series("c", "m", JobLabel::Name, r#"up{job="a",exported_job="b"} 1"#);
        assert_eq!(labels, "__name__=up exported_exported_job=a exported_job=b instance=m job=c member=m");
    }

    #[test]
    fn an_empty_value_is_no_label() {
        let labels = series("c", "", JobLabel::Name, r#"up{device="",b="1",a="2"} 1"#);
        assert_eq!(labels, "__name__=up a=2 b=1 job=c");
    }

    #[test]
    fn the_old_job_is_folded_only_where_it_is_asked_for() {
        assert_eq!(
            series("a-b c.é", "m", JobLabel::Folded, "up 1"),
            "__name__=up instance=m job=a_b_c__ member=m"
        );
        assert_eq!(
            series("a-b c.é", "m", JobLabel::Name, "up 1"),
            "__name__=up instance=m job=a-b c.é member=m"
        );
    }

    #[test]
    fn what_shares_its_labels_shares_its_hash() {
        let hash = |cluster: &str, member: &str, job| {
            Origin::new(&ClusterName::new(cluster).unwrap(), member, job).hash()
        };
        assert_eq!(hash("a-b", "m", JobLabel::Folded), hash("a_b", "m", JobLabel::Folded));
        assert_ne!(hash("a-b", "m", JobLabel::Name), hash("a_b", "m", JobLabel::Name));
        assert_ne!(hash("a", "bc", JobLabel::Name), hash("ab", "c", JobLabel::Name));
    }
}
