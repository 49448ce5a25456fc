//! Folding: what happens often becomes one event a minute for each kind. The first of a kind is due immediately, further
//! ones are counted. The number of kinds is limited, so that a flood fills neither the memory nor the audit trail.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How long the same kind is counted before it is recorded again.
const COUNTING_PERIOD: Duration = Duration::from_secs(60);

/// What is known about each occurrence of a kind.
pub trait Details {
    /// Adds what is known about a later occurrence.
    fn merge(&mut self, later: Self);
}

/// The occurrences that are not recorded yet, by kind.
#[derive(Debug)]
pub struct Fold<K, D> {
    waiting: HashMap<K, Waiting<D>>,
    max_kinds: usize,
}

/// Occurrences of one kind, to be recorded as one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<K, D> {
    /// Their kind.
    pub kind: K,
    /// Their number, at least 1.
    pub count: u32,
    /// What is known about all of them.
    pub details: D,
}

#[derive(Debug)]
struct Waiting<D> {
    /// Their number and details; `None` if there were none since the last event.
    counted: Option<(u32, D)>,
    /// When to record those that are counted by then.
    due: Instant,
}

impl<K: Hash + Eq + Clone, D: Details> Fold<K, D> {
    /// Distinguishes this many kinds, and one more for all others.
    pub fn new(max_kinds: usize) -> Self {
        Self { waiting: HashMap::new(), max_kinds }
    }

    /// Counts an occurrence. While there are too many kinds, a new one counts as `shared`. Returns whether it is the first of
    /// its kind, which is due immediately.
    pub fn add(&mut self, kind: K, shared: K, details: D, now: Instant) -> bool {
        let is_distinguished = self.waiting.contains_key(&kind) || self.waiting.len() < self.max_kinds;
        let kind = if is_distinguished { kind } else { shared };
        let is_new = !self.waiting.contains_key(&kind);
        self.waiting.entry(kind).or_insert(Waiting { counted: None, due: now }).count(1, details);
        is_new
    }

    /// Counts occurrences again that could not be recorded. They are due at this time.
    pub fn put_back(&mut self, folded: Folded<K, D>, retry: Instant) {
        let Folded { kind, count, details } = folded;
        let waiting = self.waiting.entry(kind).or_insert(Waiting { counted: None, due: retry });
        let later = waiting.counted.replace((count, details));
        if let Some((count, details)) = later {
            waiting.count(count, details);
        }
        waiting.due = retry;
    }

    /// When [`Self::take_due`] has something to do next.
    pub fn next_due(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.due).min()
    }

    /// Takes what is due, and forgets kinds that did not occur for a while.
    pub fn take_due(&mut self, now: Instant) -> Vec<Folded<K, D>> {
        self.waiting.retain(|_, waiting| waiting.counted.is_some() || waiting.due > now);
        let due = self.waiting.iter_mut().filter(|(_, waiting)| waiting.due <= now);
        due.filter_map(|(kind, waiting)| {
            waiting.due = now + COUNTING_PERIOD;
            let (count, details) = waiting.counted.take()?;
            Some(Folded { kind: kind.clone(), count, details })
        })
        .collect()
    }

    /// Takes everything, due or not.
    pub fn take_all(&mut self) -> Vec<Folded<K, D>> {
        let counted = |(kind, waiting): (K, Waiting<D>)| {
            waiting.counted.map(|(count, details)| Folded { kind, count, details })
        };
        self.waiting.drain().filter_map(counted).collect()
    }
}

impl<D: Details> Waiting<D> {
    fn count(&mut self, more: u32, details: D) {
        match &mut self.counted {
            Some((count, known)) => {
                *count = count.saturating_add(more);
                known.merge(details);
            }
            none => *none = Some((more, details)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Details for &'static str {
        fn merge(&mut self, later: Self) {
            *self = later;
        }
    }

    fn fold() -> (Fold<u32, &'static str>, Instant) {
        (Fold::new(3), Instant::now())
    }

    fn folded(kind: u32, count: u32, details: &'static str) -> Folded<u32, &'static str> {
        Folded { kind, count, details }
    }

    #[test]
    fn first_is_due_immediately_and_the_rest_once_a_minute() {
        let (mut fold, start) = fold();
        assert!(fold.add(1, 0, "first", start));
        assert_eq!(fold.take_due(start), [folded(1, 1, "first")]);
        for details in ["second", "third"] {
            assert!(!fold.add(1, 0, details, start));
        }
        assert_eq!(fold.take_due(start + COUNTING_PERIOD / 2), []);
        assert_eq!(fold.next_due(), Some(start + COUNTING_PERIOD));
        assert_eq!(fold.take_due(start + COUNTING_PERIOD), [folded(1, 2, "third")]);
        assert_eq!(fold.take_due(start + 2 * COUNTING_PERIOD), []);
        assert_eq!(fold.next_due(), None, "a kind that did not occur for a minute is forgotten");
        assert!(fold.add(1, 0, "again", start));
    }

    #[test]
    fn flood_of_kinds_shares_one() {
        let (mut fold, start) = fold();
        for kind in 1..1000 {
            fold.add(kind, 0, "x", start);
        }
        let mut due = fold.take_due(start);
        due.sort_by_key(|folded| folded.kind);
        assert_eq!(due, [folded(0, 996, "x"), folded(1, 1, "x"), folded(2, 1, "x"), folded(3, 1, "x")]);
    }

    #[test]
    fn what_was_not_recorded_is_counted_with_what_came_later() {
        let (mut fold, start) = fold();
        fold.add(1, 0, "earlier", start);
        let taken = fold.take_due(start).remove(0);
        fold.add(1, 0, "later", start);
        fold.put_back(taken, start + Duration::from_secs(5));
        assert_eq!(fold.next_due(), Some(start + Duration::from_secs(5)));
        assert_eq!(fold.take_due(start + Duration::from_secs(5)), [folded(1, 2, "later")]);
        fold.add(2, 0, "x", start);
        assert_eq!(fold.take_all(), [folded(2, 1, "x")]);
    }
}
