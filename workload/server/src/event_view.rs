//! The audit trail as it is printed, wherever it comes from.

use management::model::Event;
use serde::Serialize;
use serde_json::{Map, Value};
use store::events::{Broken, Head, KeySpan, Place, Verification};

use crate::output::{self, moment};

/// A table for people.
pub fn table(events: &[Event]) -> String {
    if events.is_empty() {
        return "Nothing in the audit trail matches.".to_owned();
    }
    output::table(&["TIME", "WHO", "ACTION", "WHAT", "CHANGE", "FROM"], events.iter().map(row))
}

fn row(event: &Event) -> Vec<String> {
    let action = match event.count {
        1 => event.action.clone(),
        count => format!("{} ({count} times)", event.action),
    };
    let what = [event.cluster_name.as_deref(), event.subject.as_deref()];
    vec![
        moment(event.at),
        who(event),
        action,
        what.into_iter().flatten().collect::<Vec<_>>().join(", "),
        change(event.before.as_ref(), event.after.as_ref()),
        event.address.clone().unwrap_or_default(),
    ]
}

/// Their name, and what they are unless it is a person.
fn who(event: &Event) -> String {
    let actor = &event.actor;
    let name = if actor.name.is_empty() { &actor.id } else { &actor.name };
    match (name.as_str(), actor.kind.as_str()) {
        ("", kind) => kind.to_owned(),
        (name, "person") if name == actor.id || actor.id.is_empty() => name.to_owned(),
        // A name is what its bearer says; the id is who it is.
        (name, "person") => format!("{name} ({})", actor.id),
        (name, kind) => format!("{name} ({kind})"),
    }
}

/// What differs between before and after.
fn change(before: Option<&Value>, after: Option<&Value>) -> String {
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let said = |name: &String| match (before.get(name), after.get(name)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(format!("{name}: {} → {}", short(before), short(after))),
        (Some(before), None) => Some(format!("{name} was {}", short(before))),
        (None, after) => after.map(|after| format!("{name}: {}", short(after))),
    };
    names.into_iter().filter_map(said).collect::<Vec<_>>().join(", ")
}

fn fields(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(fields)) => fields.clone(),
        Some(other) => Map::from_iter([("value".to_owned(), other.clone())]),
        None => Map::new(),
    }
}

/// A value that leaves room for others: all of it is in the JSON.
fn short(value: &Value) -> String {
    const LONGEST: usize = 40;
    let text = match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// What a verification proves, for people.
pub fn describe(found: &Verification) -> String {
    let (head, rows) = (found.head, found.rows);
    let begins = match (&found.given, &found.checkpoint) {
        (Some(given), _) => format!("after row {}, whose seal is taken as given", given.sequence),
        (None, Some(checkpoint)) => {
            let Head { sequence, .. } = checkpoint.head;
            format!(
                "after row {sequence}; the rows up to it were removed for their age, last {}",
                moment(checkpoint.at)
            )
        }
        (None, None) => "with the first row".to_owned(),
    };
    let verified = match (found.first, found.last) {
        (Some(first), Some(last)) => format!(
            "{}, {} to {}, written {} to {}",
            count(rows),
            first.sequence,
            last.sequence,
            moment(first.at),
            moment(last.at)
        ),
        _ => "no rows".to_owned(),
    };
    let mut lines = vec![("Begins", begins), ("Verified", verified)];
    lines.extend(found.keys.iter().enumerate().map(|(index, span)| {
        let label = if index == 0 { "Sealed under" } else { "" };
        (label, format!("key {}, rows {} to {}", hex::encode(span.key), span.first, span.last))
    }));
    lines.push(("Not sealed yet", format!("{}, of which nothing is proven yet", count(found.unsealed))));
    if head != Head::START {
        lines.push(("Head", head.to_string()));
    }
    let verdict = match &found.broken {
        None => "The audit trail holds: since they were sealed, none of these rows was changed, moved, removed or \
                 slipped in.\nA head that was logged earlier proves that none was removed at the end: --head."
            .to_owned(),
        // The failure itself is said on standard error; what was found until then may still be of use.
        Some(_) => "Verified until the first row that is wrong:".to_owned(),
    };
    let lines = lines.iter().map(|(label, text)| format!("{label:<15} {text}").trim_end().to_owned());
    [verdict, String::new()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn count(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// Why a verification goes no further. A missing key is no proof of a wrong.
pub fn verdict_on(broken: &Broken) -> String {
    match broken {
        Broken::UnknownKey { .. } | Broken::CheckpointKey { .. } => format!(
            "the audit trail cannot be verified: {broken}. Add that key to ENCRYPTION_KEY_FILE, behind the others, \
             or begin after the last row under it with --from"
        ),
        Broken::HeadTooOld { .. } => format!("the head cannot be verified: {broken}"),
        broken => format!("the audit trail does NOT hold: {broken}"),
    }
}

/// What a verification proves, for programs.
#[derive(Debug, Serialize)]
pub struct VerificationView {
    holds: bool,
    problem: Option<String>,
    checkpoint: Option<CheckpointView>,
    given: Option<HeadView>,
    rows: u64,
    first: Option<PlaceView>,
    last: Option<PlaceView>,
    head: Option<HeadView>,
    keys: Vec<KeyView>,
    unsealed: u64,
}

#[derive(Debug, Serialize)]
struct CheckpointView {
    #[serde(flatten)]
    head: HeadView,
    at: String,
}

#[derive(Debug, Serialize)]
struct HeadView {
    sequence: i64,
    seal: String,
}

#[derive(Debug, Serialize)]
struct PlaceView {
    sequence: i64,
    at: String,
}

#[derive(Debug, Serialize)]
struct KeyView {
    key: String,
    first: i64,
    last: i64,
}

impl From<&Verification> for VerificationView {
    fn from(found: &Verification) -> Self {
        let checkpoint = found.checkpoint.map(|checkpoint| CheckpointView {
            head: HeadView::from(checkpoint.head),
            at: moment(checkpoint.at),
        });
        Self {
            holds: found.broken.is_none(),
            problem: found.broken.map(|broken| broken.to_string()),
            checkpoint,
            given: found.given.map(HeadView::from),
            rows: found.rows,
            first: found.first.map(PlaceView::from),
            last: found.last.map(PlaceView::from),
            head: Some(found.head).filter(|head| *head != Head::START).map(HeadView::from),
            keys: found.keys.iter().map(KeyView::from).collect(),
            unsealed: found.unsealed,
        }
    }
}

impl From<Head> for HeadView {
    fn from(head: Head) -> Self {
        Self { sequence: head.sequence, seal: hex::encode(head.seal) }
    }
}

impl From<Place> for PlaceView {
    fn from(place: Place) -> Self {
        Self { sequence: place.sequence, at: moment(place.at) }
    }
}

impl From<&KeySpan> for KeyView {
    fn from(span: &KeySpan) -> Self {
        Self { key: hex::encode(span.key), first: span.first, last: span.last }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_shows_what_differs() {
        let before = json!({ "description": "", "disk_threshold": 80, "memory_threshold": 80 });
        let after = json!({ "description": "Berlin", "disk_threshold": 90, "memory_threshold": 80 });
        assert_eq!(
            change(Some(&before), Some(&after)),
            "description: \"\" → Berlin, disk_threshold: 80 → 90"
        );
        assert_eq!(change(None, Some(&json!({ "status": 403 }))), "status: 403");
        assert_eq!(change(Some(&json!({ "description": "x" })), None), "description was x");
        assert_eq!(change(None, None), "");
        assert_eq!(short(&json!("x".repeat(50))).chars().count(), 40);
    }
}
