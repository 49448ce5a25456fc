//! What a given exposition would become, and what the filters save: behind `cluster-manager relay explain <file>`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::filter::{Judge, Rules, Verdict};
use crate::labels::{Origin, SeriesLabel};
use crate::remote_write::BatchBuilder;
use crate::time::UnixMillis;
use exposition::{BadLine, Parser};

/// How many bad lines are shown.
const SHOWN: usize = 10;
const DAY: Duration = Duration::from_hours(24);
/// A moment of receipt: in this century, all are written in as many bytes.
const ANY_DAY: UnixMillis = UnixMillis(1_800_000_000_000);

/// What an exposition becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Each metric by its name.
    pub metrics: BTreeMap<String, Metric>,
    /// How many lines are bad, by what is wrong with them.
    pub bad: BTreeMap<BadLine, u32>,
    /// The first of them: the line's number, from 1, and what is wrong.
    pub first_bad: Vec<(usize, BadLine)>,
    /// The labels of the first series, as they are relayed.
    pub example: Option<String>,
    /// The bytes of the exposition.
    pub exposed_bytes: usize,
    /// What would be relayed without rules.
    pub without_rules: Volume,
    /// What is relayed.
    pub with_rules: Volume,
}

/// What becomes of the samples of one metric.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metric {
    /// Relayed with every heartbeat.
    pub always: u32,
    /// Relayed less often, by the group.
    pub in_groups: BTreeMap<String, u32>,
    /// Denied, by the matcher.
    pub denied: BTreeMap<String, u32>,
    /// Fitted by no `allow` matcher.
    pub not_allowed: u32,
}

/// How much goes to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Volume {
    /// Samples, when every group's turn has come.
    pub samples: u32,
    /// The bytes of their request, compressed.
    pub bytes: usize,
    /// Samples in a day.
    pub samples_a_day: f64,
}

/// Says what a member's exposition becomes that comes as often as this.
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
                relayed.add(&labels, sample.value, per_day(interval(group.every, heartbeat)));
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
        self.builder.push(labels, value, ANY_DAY);
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

/// A group waits for the first heartbeat that comes no earlier than its interval wants.
fn interval(every: Duration, heartbeat: Duration) -> Duration {
    let heartbeat = heartbeat.max(Duration::from_secs(1));
    heartbeat.mul_f64((every.as_secs_f64() / heartbeat.as_secs_f64()).ceil().max(1.0))
}

fn written(labels: &[SeriesLabel<'_>]) -> String {
    let labels: Vec<_> =
        labels.iter().map(|label| format!("{}={:?}", label.name, label.value.text())).collect();
    format!("{{{}}}", labels.join(", "))
}

impl Explanation {
    fn note(&mut self, bad: BadLine, line: usize) {
        *self.bad.entry(bad).or_default() += 1;
        if self.first_bad.len() < SHOWN {
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
            writeln!(f, "\n{bad} bad lines, passed over:")?;
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
        writeln!(f, "\n{} bytes exposed, {samples} samples, {bytes} bytes to send.", self.exposed_bytes)?;
        let kept = self.with_rules;
        writeln!(f, "After the filters: {} samples, {} bytes to send.", kept.samples, kept.bytes)?;
        let saved =
            if samples_a_day > 0.0 { 100.0 - 100.0 * kept.samples_a_day / samples_a_day } else { 0.0 };
        writeln!(f, "In a day: {:.0} samples of {samples_a_day:.0}, {saved:.1} % saved.", kept.samples_a_day)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.always > 0 {
            parts.push(format!("{} relayed", self.always));
        }
        parts.extend(self.in_groups.iter().map(|(group, count)| format!("{count} relayed as group {group}")));
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
    fn each_metric_s_fate_is_said() {
        let rules = Rules {
            allow: vec!["a".parse().unwrap(), "b".parse().unwrap()],
            deny: vec!["*{mode=\"idle\"}".parse().unwrap()],
            groups: vec![Group {
                name: "slow".to_owned(),
                matchers: vec!["b".parse().unwrap()],
                every: Duration::from_secs(250),
            }],
        };
        let explanation = explained(&rules);
        let text = explanation.to_string();
        for line in [
            "a: 1 relayed, 1 denied by *{mode=\"idle\"}\n",
            "b: 1 relayed as group slow\n",
            "c: 1 not allowed\n",
            "1 bad lines, passed over:\n  line 4: labels that do not end\n",
            "{__name__=\"a\", instance=\"node-1\", job=\"paris\", member=\"node-1\", mode=\"user\"}",
            "In a day: 1728 samples of 5760, 70.0 % saved.\n",
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
        assert!(explanation.to_string().ends_with("0.0 % saved.\n"));
    }
}
