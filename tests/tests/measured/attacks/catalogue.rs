//! All attacks. Each is bounded in connections and time, and reaches loopback only.

mod anonymous;
mod enrolled;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::attacker::Attacker;

/// One attack.
pub(crate) struct Attack {
    /// Its name, by which it can be chosen.
    pub(crate) name: &'static str,
    /// The number of enrolled clusters whose certificates the attacker has.
    pub(crate) clusters: usize,
    /// Whether the short form of the suite contains it.
    pub(crate) is_short: bool,
    /// What the attacker does until it is stopped.
    pub(crate) run: fn(Arc<Attacker>) -> BoxFuture<'static, ()>,
}

macro_rules! attacks {
    ($($module:ident :: $name:ident, $clusters:literal, $is_short:literal;)*) => {
        &[$(Attack {
            name: stringify!($name),
            clusters: $clusters,
            is_short: $is_short,
            run: |attacker| Box::pin(async move { $module::$name(&attacker).await }),
        }),*]
    };
}

/// In the order in which they run: the five cases of the past come first.
pub(crate) const ALL: &[Attack] = attacks! {
    enrolled::empty_list_entries, 1, true;
    enrolled::long_status_words, 5, true;
    anonymous::closed_windows, 0, true;
    anonymous::silent_connections, 0, true;
    anonymous::kept_connections, 0, false;
    anonymous::idle_status_port, 0, true;
    enrolled::heavy_expositions, 1, true;

    enrolled::empty_entries_of_every_list, 1, false;
    enrolled::many_bodies_of_a_mebibyte, 1, true;
    enrolled::bodies_of_unknown_length, 1, false;
    enrolled::slow_bodies, 1, false;
    enrolled::deep_nesting, 1, false;
    enrolled::one_long_word, 1, false;
    enrolled::many_unknown_fields, 1, false;
    enrolled::tiny_series, 1, false;
    enrolled::websockets, 1, false;

    anonymous::idle_after_the_handshake, 0, false;
    anonymous::huge_certificates, 0, false;
    anonymous::header_floods, 0, false;
    anonymous::huge_cookies, 0, false;
    anonymous::unknown_paths, 0, false;
    anonymous::joins_with_bad_tokens, 0, false;
    anonymous::slow_joins, 0, false;
    anonymous::unread_responses, 0, false;
    anonymous::rapid_reset, 0, false;
    anonymous::endless_headers, 0, false;
    anonymous::unread_acknowledgements, 0, false;
};
