//! Which series are relayed, and how often.
//!
//! A series is relayed if no `deny` matcher fits it, and, where there are `allow` matchers at all, one of them does.
//! The first group that fits it says how often: at most once in its interval, counted from receipt to receipt.

mod matcher;

use std::time::Duration;

pub use matcher::{InvalidMatcher, Matcher};

use crate::labels::SeriesLabel;

/// What is relayed. The default is everything, always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// If there are any, only what one of them fits is relayed.
    pub allow: Vec<Matcher>,
    /// What one of these fits is not relayed, whatever `allow` says.
    pub deny: Vec<Matcher>,
    /// What is relayed less often. The first that fits counts.
    pub groups: Vec<Group>,
}

/// Series that need not be relayed with every heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What people call it.
    pub name: String,
    /// It holds what one of these fits.
    pub matchers: Vec<Matcher>,
    /// The least time between two relayed samples of one series.
    pub every: Duration,
}

/// What the rules say of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is relayed with every exposition.
    Always,
    /// It is relayed as often as this group (by its place in the rules).
    Group(usize),
    /// This `deny` matcher (by its place) fits it.
    Denied(usize),
    /// No `allow` matcher fits it.
    NotAllowed,
}

/// Asks the rules. Consecutive samples mostly have the same name, so the matchers that fit a name are kept.
#[derive(Debug, Default)]
pub struct Judge {
    rules: Rules,
    name: String,
    deny: Vec<usize>,
    allow: Vec<usize>,
    groups: Vec<(usize, usize)>,
}

impl Judge {
    /// Judges by these rules.
    pub fn new(rules: Rules) -> Self {
        let mut judge = Self { rules, ..Self::default() };
        judge.look_up("");
        judge
    }

    /// By which rules it judges.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Judges a series by the name of its metric and all its labels.
    pub fn judge(&mut self, name: &str, labels: &[SeriesLabel<'_>]) -> Verdict {
        if self.name != name {
            self.look_up(name);
        }
        let Rules { allow, deny, groups } = &self.rules;
        if let Some(index) = self.deny.iter().find(|index| deny[**index].fits_labels(labels)) {
            return Verdict::Denied(*index);
        }
        if !allow.is_empty() && !self.allow.iter().any(|index| allow[*index].fits_labels(labels)) {
            return Verdict::NotAllowed;
        }
        let fits = |(group, matcher): &&(usize, usize)| groups[*group].matchers[*matcher].fits_labels(labels);
        self.groups.iter().find(fits).map_or(Verdict::Always, |(group, _)| Verdict::Group(*group))
    }

    fn look_up(&mut self, name: &str) {
        let fitting = |matchers: &[Matcher], found: &mut Vec<usize>| {
            found.clear();
            found.extend((0..matchers.len()).filter(|index| matchers[*index].fits_name(name)));
        };
        fitting(&self.rules.deny, &mut self.deny);
        fitting(&self.rules.allow, &mut self.allow);
        self.groups.clear();
        for (index, group) in self.rules.groups.iter().enumerate() {
            let fits = |matcher: &usize| group.matchers[*matcher].fits_name(name);
            self.groups.extend((0..group.matchers.len()).filter(fits).map(|matcher| (index, matcher)));
        }
        name.clone_into(&mut self.name);
    }
}

#[cfg(test)]
mod tests {
    use protocol::ClusterName;

    use super::*;
    use crate::labels::{JobLabel, Origin};
    use exposition::Parser;

    fn matchers(texts: &[&str]) -> Vec<Matcher> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn verdicts(rules: Rules, lines: &str) -> Vec<Verdict> {
        let origin = Origin::new(&ClusterName::new("paris").unwrap(), "node-1", JobLabel::Name);
        let mut judge = Judge::new(rules);
        let mut parser = Parser::new(lines.as_bytes());
        let mut verdicts = Vec::new();
        while let Some(line) = parser.next() {
            let (sample, mut labels) = (line.unwrap(), Vec::new());
            origin.series(&sample, &mut labels);
            verdicts.push(judge.judge(sample.name, &labels));
        }
        verdicts
    }

    #[test]
    fn without_rules_everything_is_relayed_always() {
        assert_eq!(verdicts(Rules::default(), "a 1\nb{c=\"d\"} 1"), [Verdict::Always; 2]);
    }

    #[test]
    fn deny_wins_over_allow() {
        let rules = Rules {
            allow: matchers(&["lxd_*"]),
            deny: matchers(&["lxd_disk_*", "lxd_cpu*{mode=\"idle\"}"]),
            ..Rules::default()
        };
        let lines = "lxd_disk_a 1\nlxd_cpu{mode=\"idle\"} 1\nlxd_cpu{mode=\"user\"} 1\nlxd_cpu 1\nup 1";
        let expected =
            [Verdict::Denied(0), Verdict::Denied(1), Verdict::Always, Verdict::Always, Verdict::NotAllowed];
        assert_eq!(verdicts(rules, lines), expected);
    }

    #[test]
    fn the_first_group_that_fits_says_how_often() {
        let group = |name: &str, texts: &[&str], minutes| Group {
            name: name.to_owned(),
            matchers: matchers(texts),
            every: Duration::from_mins(minutes),
        };
        let rules = Rules {
            groups: vec![
                group("slow", &["a_*", "*{project=\"lab\"}"], 5),
                group("slower", &["a_b", "*{job=\"paris\",member=\"node-1\",device!=\"\"}"], 10),
            ],
            ..Rules::default()
        };
        let lines = "a_b 1\nb{project=\"lab\"} 1\nb{device=\"eth0\"} 1\nb{device=\"\"} 1";
        let expected = [Verdict::Group(0), Verdict::Group(0), Verdict::Group(1), Verdict::Always];
        assert_eq!(verdicts(rules, lines), expected);
    }
}
