//! Changes of a cluster's configuration.

use fleet::Percent;
use protocol::text;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

/// A change of a cluster's configuration. Fields that are absent or null stay unchanged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ClusterChange {
    /// `ACTIVE` or empty. There is no other status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The description, without invisible characters, and without blanks at its ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The usage of a storage pool above which to warn, in percent: a whole number from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 100)]
    pub disk_threshold: Option<Number>,
    /// The memory usage above which to warn, in percent: a whole number from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 100)]
    pub memory_threshold: Option<Number>,
}

/// The change is not valid. The text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidChange(String);

impl ClusterChange {
    /// The change in the domain's types, or why it is not valid.
    pub fn check(self) -> Result<fleet::ClusterChange, InvalidChange> {
        if self.status.is_some_and(|status| !matches!(status.as_str(), "" | "ACTIVE")) {
            return Err(InvalidChange("status can only be ACTIVE".to_owned()));
        }
        if self.description.as_ref().is_some_and(|description| description.contains('\0')) {
            return Err(InvalidChange("description cannot hold NUL".to_owned()));
        }
        if let Some(description) = &self.description {
            let is_suitable = text::check_lines(description);
            is_suitable.map_err(|problem| InvalidChange(format!("description {problem}")))?;
        }
        Ok(fleet::ClusterChange {
            description: self.description,
            disk_threshold: threshold("disk_threshold", self.disk_threshold)?,
            memory_threshold: threshold("memory_threshold", self.memory_threshold)?,
        })
    }
}

fn threshold(name: &str, number: Option<Number>) -> Result<Option<Percent>, InvalidChange> {
    let Some(number) = number else { return Ok(None) };
    let percent = number.as_i64().and_then(|number| Percent::new(number).ok());
    let wrong = || InvalidChange(format!("{name} must be a whole number from 0 to 100"));
    percent.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(body: &str) -> Result<fleet::ClusterChange, String> {
        let change: ClusterChange = serde_json::from_str(body).unwrap();
        change.check().map_err(|error| error.to_string())
    }

    #[test]
    fn absent_null_and_empty_status_change_nothing() {
        for body in
            ["{}", r#"{"status":""}"#, r#"{"status":"ACTIVE","description":null,"disk_threshold":null}"#]
        {
            assert_eq!(checked(body), Ok(fleet::ClusterChange::default()), "{body}");
        }
        assert_eq!(checked(r#"{"description":""}"#).unwrap().description, Some(String::new()));
    }

    #[test]
    fn thresholds_are_whole_percentages() {
        for good in ["0", "100"] {
            assert!(checked(&format!(r#"{{"disk_threshold":{good}}}"#)).is_ok());
        }
        for bad in ["-1", "101", "80.5", "1e99", "18446744073709551616"] {
            let problem = checked(&format!(r#"{{"memory_threshold":{bad}}}"#)).unwrap_err();
            assert_eq!(problem, "memory_threshold must be a whole number from 0 to 100", "{bad}");
        }
    }

    #[test]
    fn description_is_readable_text() {
        for (description, problem) in [
            ("a\\u0000b", "description cannot hold NUL"),
            ("a\\u001b[2J", "description cannot contain control characters"),
            ("a\\u202eb", "description cannot contain invisible characters (U+202E)"),
            (" a", "description cannot begin or end with a blank"),
            ("a\\n", "description cannot begin or end with a blank"),
        ] {
            assert_eq!(
                checked(&format!("{{\"description\":\"{description}\"}}")),
                Err(problem.to_owned()),
                "{description}"
            );
        }
        assert!(checked(r#"{"description":"two\nlines, ⚠️ and مدينة"}"#).is_ok());
    }

    #[test]
    fn other_status_is_refused() {
        assert_eq!(checked(r#"{"status":"PENDING"}"#), Err("status can only be ACTIVE".to_owned()));
    }
}
