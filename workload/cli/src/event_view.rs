//! The audit trail as text, and the result of its verification as text and JSON.

use api::Event;
use serde::Serialize;
use serde_json::{Map, Value};
use store::events::{ChainFault, ChainPosition, Head, KeySpan, Verification};

use crate::output::{self, count, labelled, timestamp};

/// Characters of a value in the table of events; all of it is in the JSON.
const MAX_VALUE_CHARS: usize = 40;

/// The table of events.
pub(crate) fn table(events: &[Event]) -> String {
    if events.is_empty() {
        return "No events match.".to_owned();
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
        timestamp(event.at),
        who(event),
        action,
        what.into_iter().flatten().collect::<Vec<_>>().join(", "),
        change(event.before.as_ref(), event.after.as_ref()),
        event.address.clone().unwrap_or_default(),
    ]
}

/// The actor's name, with the kind of actor unless it is a person.
fn who(event: &Event) -> String {
    let actor = &event.actor;
    let name = if actor.name.is_empty() { &actor.id } else { &actor.name };
    match (name.as_str(), actor.kind.as_str()) {
        ("", kind) => kind.to_owned(),
        (name, "person") if name == actor.id || actor.id.is_empty() => name.to_owned(),
        // People choose their names; only the id is reliable.
        (name, "person") => format!("{name} ({})", actor.id),
        (name, kind) => format!("{name} ({kind})"),
    }
}

/// The fields that differ between before and after.
fn change(before: Option<&Value>, after: Option<&Value>) -> String {
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let difference = |name: &String| match (before.get(name), after.get(name)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(format!("{name}: {} → {}", shorten(before), shorten(after))),
        (Some(before), None) => Some(format!("{name} was {}", shorten(before))),
        (None, after) => after.map(|after| format!("{name}: {}", shorten(after))),
    };
    names.into_iter().filter_map(difference).collect::<Vec<_>>().join(", ")
}

fn fields(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(fields)) => fields.clone(),
        Some(other) => Map::from_iter([("value".to_owned(), other.clone())]),
        None => Map::new(),
    }
}

/// A value, cut to the width of the table.
fn shorten(value: &Value) -> String {
    let text = match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text;
    }
    text.chars().take(MAX_VALUE_CHARS - 1).chain(['…']).collect()
}

/// The result of a verification as text.
pub(crate) fn describe(found: &Verification) -> String {
    let (head, rows) = (found.head, found.rows);
    let starts = match (&found.given, &found.checkpoint) {
        (Some(given), _) => format!("after sequence {}, whose seal is trusted", given.sequence),
        (None, Some(checkpoint)) => {
            let Head { sequence, .. } = checkpoint.head;
            format!(
                "after sequence {sequence}; older events were removed because of their age, the last one from {}",
                timestamp(checkpoint.at)
            )
        }
        (None, None) => "with the first event".to_owned(),
    };
    let verified = match (found.first, found.last) {
        (Some(first), Some(last)) => format!(
            "{}, sequence {} to {}, written {} to {}",
            count(rows, "event"),
            first.sequence,
            last.sequence,
            timestamp(first.at),
            timestamp(last.at)
        ),
        _ => "no events".to_owned(),
    };
    let mut lines = vec![("Starts", starts), ("Verified", verified)];
    lines.extend(found.keys.iter().enumerate().map(|(index, span)| {
        let label = if index == 0 { "Sealed with" } else { "" };
        (label, format!("key {}, sequence {} to {}", hex::encode(span.key), span.first, span.last))
    }));
    lines.push(("Not sealed yet", format!("{}, not verified", count(found.unsealed, "event"))));
    if head != Head::START {
        lines.push(("Head", head.to_string()));
    }
    let verdict = match &found.fault {
        None => {
            "The audit trail is intact: none of these events was changed, moved, removed or inserted since it was \
             sealed.\nTo prove that the database was not put back to an earlier state, pass a head that was logged: --head."
        }
        // The failure itself goes to standard error; what was verified before it may still be useful.
        Some(_) => "Verified up to the first broken event:",
    };
    format!("{verdict}\n\n{}", labelled(&lines))
}

/// Why a verification ends early. An unknown key is no excuse: whoever forges an event can name any key.
pub(crate) fn verdict_on(broken: &ChainFault) -> String {
    match broken {
        ChainFault::UnknownKey { .. } | ChainFault::CheckpointKey { .. } => format!(
            "the audit trail does NOT verify: {broken}. It is forged, unless you know that key as one that this hub \
             used: then keep it in ENCRYPTION_KEY_FILE, or if it is lost, verify what came after it with --from and a \
             head from your log"
        ),
        ChainFault::HeadTooOld { .. } => format!("cannot verify the head: {broken}"),
        broken => format!("the audit trail is NOT intact: {broken}"),
    }
}

/// The result of a verification, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct VerificationView {
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
            at: timestamp(checkpoint.at),
        });
        Self {
            holds: found.fault.is_none(),
            problem: found.fault.map(|broken| broken.to_string()),
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

impl From<ChainPosition> for PlaceView {
    fn from(place: ChainPosition) -> Self {
        Self { sequence: place.sequence, at: timestamp(place.at) }
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
    fn change_shows_the_fields_that_differ() {
        let before = json!({ "description": "", "disk_threshold": 80, "memory_threshold": 80 });
        let after = json!({ "description": "Berlin", "disk_threshold": 90, "memory_threshold": 80 });
        assert_eq!(
            change(Some(&before), Some(&after)),
            "description: \"\" → Berlin, disk_threshold: 80 → 90"
        );
        assert_eq!(change(None, Some(&json!({ "status": 403 }))), "status: 403");
        assert_eq!(change(Some(&json!({ "description": "x" })), None), "description was x");
        assert_eq!(change(None, None), "");
        assert_eq!(shorten(&json!("x".repeat(50))).chars().count(), 40);
    }
}
