//! The conditions of the status. Juju shows the worst one.

/// The severity of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A hint. Everything works.
    Note,
    /// Something is in progress. Nobody needs to act.
    Waiting,
    /// An operator must act. The text says what to do.
    Blocked,
}

/// A condition of the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its severity.
    pub level: Level,
    /// The text for the operator.
    pub text: String,
}

impl Condition {
    /// A hint.
    pub fn note(text: impl Into<String>) -> Self {
        Self { level: Level::Note, text: text.into() }
    }

    /// Something is in progress.
    pub fn waiting(text: impl Into<String>) -> Self {
        Self { level: Level::Waiting, text: text.into() }
    }

    /// An operator must act.
    pub fn blocked(text: impl Into<String>) -> Self {
        Self { level: Level::Blocked, text: text.into() }
    }
}

/// The condition to show: the first of the worst. `None` if there are no conditions.
pub fn worst(conditions: &[Condition]) -> Option<&Condition> {
    // `max_by_key` returns the last of several maxima.
    conditions.iter().rev().max_by_key(|condition| condition.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_of_the_worst_conditions_is_shown() {
        let conditions =
            [Condition::waiting("a"), Condition::blocked("b"), Condition::blocked("c"), Condition::note("d")];
        assert_eq!(worst(&conditions), Some(&Condition::blocked("b")));
        assert_eq!(worst(&[]), None);
    }
}
