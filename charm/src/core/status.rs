//! The status: a list of named conditions, the worst of which is shown.

/// How bad a condition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing; all works.
    Note,
    /// Something else will finish by itself.
    Waiting,
    /// Somebody must act; the text says what to do.
    Blocked,
}

/// Something that the status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How bad it is.
    pub level: Level,
    /// In words.
    pub text: String,
}

impl Condition {
    /// Worth knowing.
    pub fn note(text: impl Into<String>) -> Self {
        Self { level: Level::Note, text: text.into() }
    }

    /// Something else will finish.
    pub fn waiting(text: impl Into<String>) -> Self {
        Self { level: Level::Waiting, text: text.into() }
    }

    /// Somebody must act.
    pub fn blocked(text: impl Into<String>) -> Self {
        Self { level: Level::Blocked, text: text.into() }
    }
}

/// What is shown of these: the first of the worst. None: all is well.
pub fn worst(conditions: &[Condition]) -> Option<&Condition> {
    // `max_by_key` would give the last of them.
    conditions.iter().rev().max_by_key(|condition| condition.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_worst_is_shown() {
        let conditions =
            [Condition::waiting("a"), Condition::blocked("b"), Condition::blocked("c"), Condition::note("d")];
        assert_eq!(worst(&conditions), Some(&Condition::blocked("b")));
        assert_eq!(worst(&[]), None);
    }
}
