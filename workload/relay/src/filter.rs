//! Which series are relayed, and at which interval.
//!
//! A series is relayed if no `deny` matcher matches it and, if there are `allow` matchers, one of them does. The first group
//! that matches it sets the interval: it is relayed at most once within it, counted between the times of receipt.

mod matcher;

use std::time::Duration;

pub use matcher::{InvalidMatcher, Matcher};

use crate::labels::SeriesLabel;

/// The rules that decide what is relayed. By default, everything is, with every heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// If there are any, only series that one of them matches are relayed.
    pub allow: Vec<Matcher>,
    /// Series that one of these matches are not relayed, even if `allow` matches them.
    pub deny: Vec<Matcher>,
    /// Series that are relayed less often. The first group that matches is used.
    pub groups: Vec<Group>,
}

/// Series that need not be relayed with every heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's name.
    pub name: String,
    /// The group contains the series that one of these matches.
    pub matchers: Vec<Matcher>,
    /// The shortest time between two relayed samples of one series.
    pub interval: Duration,
}

/// The verdict of the rules on one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The series is relayed with every exposition.
    Always,
    /// The series belongs to this group (an index into the rules).
    Group(usize),
    /// This `deny` matcher (an index into the rules) matches the series.
    Denied(usize),
    /// No `allow` matcher matches the series.
    NotAllowed,
}

/// Applies the rules. Consecutive samples mostly have the same name, so the matchers for that name are cached.
#[derive(Debug, Default)]
pub struct Judge {
    rules: Rules,
    name: String,
    deny: Vec<usize>,
    allow: Vec<usize>,
    groups: Vec<(usize, usize)>,
}

impl Judge {
    /// Applies these rules.
    pub fn new(rules: Rules) -> Self {
        let mut judge = Self { rules, ..Self::default() };
        judge.look_up("");
        judge
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Judges a series by the name of its metric and all of its labels.
    pub fn judge(&mut self, name: &str, labels: &[SeriesLabel<'_>]) -> Verdict {
        if self.name != name {
            self.look_up(name);
        }
        let Rules { allow, deny, groups } = &self.rules;
        if let Some(index) = self.deny.iter().find(|index| deny[**index].matches_labels(labels)) {
            return Verdict::Denied(*index);
        }
        if !allow.is_empty() && !self.allow.iter().any(|index| allow[*index].matches_labels(labels)) {
            return Verdict::NotAllowed;
        }
        let matches =
            |(group, matcher): &&(usize, usize)| groups[*group].matchers[*matcher].matches_labels(labels);
        self.groups.iter().find(matches).map_or(Verdict::Always, |(group, _)| Verdict::Group(*group))
    }

    fn look_up(&mut self, name: &str) {
        let find = |matchers: &[Matcher], found: &mut Vec<usize>| {
            found.clear();
            found.extend((0..matchers.len()).filter(|index| matchers[*index].matches_name(name)));
        };
        find(&self.rules.deny, &mut self.deny);
        find(&self.rules.allow, &mut self.allow);
        self.groups.clear();
        for (index, group) in self.rules.groups.iter().enumerate() {
            let matches = |matcher: &usize| group.matchers[*matcher].matches_name(name);
            self.groups.extend((0..group.matchers.len()).filter(matches).map(|matcher| (index, matcher)));
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
    fn without_rules_everything_is_always_relayed() {
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
    fn first_matching_group_is_used() {
        let group = |name: &str, texts: &[&str], minutes| Group {
            name: name.to_owned(),
            matchers: matchers(texts),
            interval: Duration::from_mins(minutes),
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
