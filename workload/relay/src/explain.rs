//! What the relay would do with an exposition, and how much the rules save. Used by `cluster-manager relay explain <file>`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use exposition::{BadLine, Parser};

use crate::filter::{Judge, Rules, Verdict};
use crate::labels::{Origin, SeriesLabel};
use crate::remote_write::BatchBuilder;
use crate::time::UnixMillis;

/// The most malformed lines that are listed.
const MAX_LISTED_LINES: usize = 10;
const DAY: Duration = Duration::from_hours(24);
/// A time of receipt. All timestamps of this century are encoded in the same number of bytes.
const ANY_TIME: UnixMillis = UnixMillis(1_800_000_000_000);

/// What the relay would do with an exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The metrics by name.
    pub metrics: BTreeMap<String, Metric>,
    /// The numbers of malformed lines, by reason.
    pub bad: BTreeMap<BadLine, u32>,
    /// The first malformed lines: the number of the line, counted from 1, and the reason.
    pub first_bad: Vec<(usize, BadLine)>,
    /// The labels of the first series that is relayed.
    pub example: Option<String>,
    /// The size of the exposition in bytes.
    pub exposed_bytes: usize,
    /// The volume without rules.
    pub without_rules: Volume,
    /// The volume with the rules.
    pub with_rules: Volume,
}

/// What happens to the samples of one metric.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metric {
    /// Samples that are relayed with every heartbeat.
    pub always: u32,
    /// Samples that are relayed less often, by group.
    pub in_groups: BTreeMap<String, u32>,
    /// Denied samples, by matcher.
    pub denied: BTreeMap<String, u32>,
    /// Samples that no `allow` matcher matches.
    pub not_allowed: u32,
}

/// The volume that is sent to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Volume {
    /// The number of samples when every group is due.
    pub samples: u32,
    /// The size of their compressed request in bytes.
    pub bytes: usize,
    /// The number of samples per day.
    pub samples_a_day: f64,
}

/// Explains what the relay would do with a member's exposition that arrives at this interval.
pub fn explain(text: &[u8], origin: &Origin, rules: &Rules, heartbeat: Duration) -> Explanation {
    let mut judge = Judge::new(rules.clone());
    let (mut all, mut relayed) = (Gathered::default(), Gathered::default());
    let mut explanation = Explanation {
        metrics: BTreeMap::new(),
        bad: BTreeMap::new(),
        first_bad: Vec::new(),
        example: None,
        exposed_bytes: text.len(),
        without_rules: Volume::default(),
        with_rules: Volume::default(),
    };
    let mut parser = Parser::new(text);
    let mut labels = Vec::new();
    while let Some(line) = parser.next() {
        let sample = match line {
            Ok(sample) => sample,
            Err(bad) => {
                explanation.note(bad, parser.line());
                continue;
            }
        };
        origin.series(&sample, &mut labels);
        all.add(&labels, sample.value, per_day(heartbeat));
        let verdict = judge.judge(sample.name, &labels);
        let metric = explanation.metrics.entry(sample.name.to_owned()).or_default();
        match verdict {
            Verdict::Always => {
                metric.always += 1;
                relayed.add(&labels, sample.value, per_day(heartbeat));
            }
            Verdict::Group(index) => {
                let group = &rules.groups[index];
                *metric.in_groups.entry(group.name.clone()).or_default() += 1;
                relayed.add(&labels, sample.value, per_day(interval(group.interval, heartbeat)));
            }
            Verdict::Denied(index) => {
                *metric.denied.entry(rules.deny[index].to_string()).or_default() += 1;
            }
            Verdict::NotAllowed => metric.not_allowed += 1,
        }
        if explanation.example.is_none() && matches!(verdict, Verdict::Always | Verdict::Group(_)) {
            explanation.example = Some(written(&labels));
        }
    }
    explanation.without_rules = all.volume();
    explanation.with_rules = relayed.volume();
    explanation
}

#[derive(Default)]
struct Gathered {
    builder: BatchBuilder,
    samples_a_day: f64,
}

impl Gathered {
    fn add(&mut self, labels: &[SeriesLabel<'_>], value: f64, samples_a_day: f64) {
        self.builder.push(labels, value, ANY_TIME);
        self.samples_a_day += samples_a_day;
    }

    fn volume(mut self) -> Volume {
        let batch = self.builder.finish();
        let (samples, bytes) = batch.map_or((0, 0), |batch| (batch.samples, batch.body.len()));
        Volume { samples, bytes, samples_a_day: self.samples_a_day }
    }
}

fn per_day(interval: Duration) -> f64 {
    DAY.as_secs_f64() / interval.as_secs_f64().max(1.0)
}

/// The actual interval of a group: it is relayed with the first heartbeat after its configured interval.
fn interval(configured: Duration, heartbeat: Duration) -> Duration {
    let heartbeat = heartbeat.max(Duration::from_secs(1));
    heartbeat.mul_f64((configured.as_secs_f64() / heartbeat.as_secs_f64()).ceil().max(1.0))
}

fn written(labels: &[SeriesLabel<'_>]) -> String {
    let labels: Vec<_> =
        labels.iter().map(|label| format!("{}={:?}", label.name, label.value.text())).collect();
    format!("{{{}}}", labels.join(", "))
}

impl Explanation {
    fn note(&mut self, bad: BadLine, line: usize) {
        *self.bad.entry(bad).or_default() += 1;
        if self.first_bad.len() < MAX_LISTED_LINES {
            self.first_bad.push((line, bad));
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, metric) in &self.metrics {
            writeln!(f, "{name}: {metric}")?;
        }
        let bad: u32 = self.bad.values().sum();
        if bad > 0 {
            let lines = if bad == 1 { "line" } else { "lines" };
            writeln!(f, "\n{bad} malformed {lines}, skipped:")?;
            for (line, why) in &self.first_bad {
                writeln!(f, "  line {line}: {why}")?;
            }
            if bad as usize > self.first_bad.len() {
                writeln!(f, "  and {} more", bad as usize - self.first_bad.len())?;
            }
        }
        if let Some(example) = &self.example {
            writeln!(f, "\nThe first series: {example}")?;
        }
        let Volume { samples, bytes, samples_a_day } = self.without_rules;
        writeln!(
            f,
            "\nWithout rules: {} bytes of text, {samples} samples, {bytes} bytes to send.",
            self.exposed_bytes
        )?;
        let kept = self.with_rules;
        writeln!(f, "With the rules: {} samples, {} bytes to send.", kept.samples, kept.bytes)?;
        let saved =
            if samples_a_day > 0.0 { 100.0 - 100.0 * kept.samples_a_day / samples_a_day } else { 0.0 };
        writeln!(f, "Per day: {:.0} of {samples_a_day:.0} samples, {saved:.1}% saved.", kept.samples_a_day)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.always > 0 {
            parts.push(format!("{} relayed", self.always));
        }
        parts.extend(self.in_groups.iter().map(|(group, count)| format!("{count} relayed in group {group}")));
        parts.extend(self.denied.iter().map(|(matcher, count)| format!("{count} denied by {matcher}")));
        if self.not_allowed > 0 {
            parts.push(format!("{} not allowed", self.not_allowed));
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use protocol::ClusterName;

    use super::*;
    use crate::filter::Group;
    use crate::labels::JobLabel;

    const TEXT: &str = "\
# HELP a A.
a{mode=\"idle\"} 1
a{mode=\"user\"} 2
broken{

b 3
c 4
";

    fn explained(rules: &Rules) -> Explanation {
        let origin = Origin::new(&ClusterName::new("paris").unwrap(), "node-1", JobLabel::Name);
        explain(TEXT.as_bytes(), &origin, rules, Duration::from_mins(1))
    }

    #[test]
    fn explanation_covers_every_metric() {
        let rules = Rules {
            allow: vec!["a".parse().unwrap(), "b".parse().unwrap()],
            deny: vec!["*{mode=\"idle\"}".parse().unwrap()],
            groups: vec![Group {
                name: "slow".to_owned(),
                matchers: vec!["b".parse().unwrap()],
                interval: Duration::from_secs(250),
            }],
        };
        let explanation = explained(&rules);
        let text = explanation.to_string();
        for line in [
            "a: 1 relayed, 1 denied by *{mode=\"idle\"}\n",
            "b: 1 relayed in group slow\n",
            "c: 1 not allowed\n",
            "1 malformed line, skipped:\n  line 4: the labels have no closing brace\n",
            "{__name__=\"a\", instance=\"node-1\", job=\"paris\", member=\"node-1\", mode=\"user\"}",
            "Per day: 1728 of 5760 samples, 70.0% saved.\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert_eq!(explanation.with_rules.samples, 2);
        assert!(explanation.with_rules.bytes < explanation.without_rules.bytes);
    }

    #[test]
    fn without_rules_nothing_is_saved() {
        let explanation = explained(&Rules::default());
        assert_eq!(explanation.with_rules, explanation.without_rules);
        assert!(explanation.to_string().ends_with("0.0% saved.\n"));
    }
}
