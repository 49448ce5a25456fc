//! Parsing of the values of a query's parameters.

use std::collections::HashSet;
use std::hash::Hash;

use super::{ClusterQuery, Fields, InvalidQuery, Order, SortBy};
use crate::{HealthState, Percent, WarningKind};

pub(super) fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), InvalidQuery> {
    if place.replace(value).is_some() { Err(InvalidQuery::Repeated { name }) } else { Ok(()) }
}

pub(super) fn search(value: &str) -> Result<String, InvalidQuery> {
    if value.contains('\0') {
        return Err(invalid("search", value, "any text without NUL"));
    }
    Ok(value.to_owned())
}

pub(super) fn percent(name: &'static str, value: &str) -> Result<Percent, InvalidQuery> {
    let number = value.parse().ok().and_then(|number| Percent::new(number).ok());
    number.ok_or_else(|| invalid(name, value, "a whole number from 0 to 100"))
}

pub(super) fn limit_from(value: &str) -> Result<u16, InvalidQuery> {
    let number = value.parse().ok().filter(|number| (1..=ClusterQuery::MAX_LIMIT).contains(number));
    number.ok_or_else(|| {
        invalid("limit", value, format!("a whole number from 1 to {}", ClusterQuery::MAX_LIMIT))
    })
}

pub(super) fn statuses(name: &'static str, value: &str) -> Result<Vec<String>, InvalidQuery> {
    let status = |word: &str| is_status(word).then(|| word.to_owned());
    words(name, value, status, || "statuses, separated by commas".to_owned())
}

pub(super) fn is_status(word: &str) -> bool {
    !word.is_empty() && !word.contains('\0')
}

/// Removes entries whose key occurred before.
pub(super) fn without_repeats<T, K: Hash + Eq>(list: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut known = HashSet::new();
    list.retain(|entry| known.insert(key(entry)));
}

/// Parses words that are separated by commas.
pub(super) fn words<T>(
    name: &'static str,
    value: &str,
    from_word: impl Fn(&str) -> Option<T>,
    allowed: impl Fn() -> String,
) -> Result<Vec<T>, InvalidQuery> {
    value.split(',').map(|part| word(name, part, &from_word, &allowed)).collect()
}

pub(super) fn word<T>(
    name: &'static str,
    value: &str,
    from_word: impl Fn(&str) -> Option<T>,
    allowed: impl Fn() -> String,
) -> Result<T, InvalidQuery> {
    from_word(value).ok_or_else(|| invalid(name, value, allowed()))
}

pub(super) fn health_words() -> String {
    HealthState::ALL.map(HealthState::as_str).join(", ")
}

pub(super) fn warning_words() -> String {
    WarningKind::ALL.map(WarningKind::as_str).join(", ")
}

pub(super) fn sort_words() -> String {
    SortBy::ALL.map(SortBy::as_str).join(", ")
}

pub(super) fn order_from(word: &str) -> Option<Order> {
    Order::ALL.into_iter().find(|order| order.as_str() == word)
}

pub(super) fn order_words() -> String {
    "asc, desc".to_owned()
}

pub(super) fn fields_from(word: &str) -> Option<Fields> {
    Fields::ALL.into_iter().find(|fields| fields.as_str() == word)
}

pub(super) fn fields_words() -> String {
    "all, summary".to_owned()
}

pub(super) fn invalid(name: &'static str, value: &str, allowed: impl Into<String>) -> InvalidQuery {
    InvalidQuery::Value { name, value: truncated(value), allowed: allowed.into() }
}

/// The beginning of a text, long enough to recognise it.
pub(super) fn truncated(text: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
