//! Standard output and standard error: tables, JSON, YAML, notes; times, sizes and counts as text.
//!
//! Much of what is printed was chosen elsewhere: by clusters, hubs, identity providers and other people. All of it goes
//! through this module, which lets no control character and no invisible one pass. JSON and YAML keep their meaning.

use std::io::{IsTerminal as _, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use protocol::text;
use serde::Serialize;
use time::OffsetDateTime;

mod yaml;

use crate::Failure;
use crate::arguments::Format;

/// Width of the column of labels in [`labelled`].
const LABEL_WIDTH: usize = 15;

/// Prints a value as JSON or YAML, or the text that `table` renders.
pub fn print<T: Serialize>(
    format: Format,
    value: &T,
    table: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    let text = match format {
        Format::Table => table(value),
        Format::Json => {
            let json = serde_json::to_string_pretty(value).map_err(Failure::other)?;
            text::escaped_json(&json).into_owned()
        }
        Format::Yaml => yaml::to_string(value).map_err(Failure::other)?,
    };
    line(text.trim_end())
}

/// Prints one or more lines on standard output. A closed pipe is not a failure.
pub fn line(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{}", text::escaped_lines(text)) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::other(error)),
        _ => Ok(()),
    }
}

/// Prints a note on standard error.
pub fn note(text: &str) {
    // There is no other place to report a failure.
    let _ = writeln!(std::io::stderr(), "{}", text::escaped_lines(text));
}

/// Returns a table without lines. On a terminal its columns keep to the terminal's width; in a pipe they are as wide as
/// their content.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    // A terminal that does not know its width reports 0.
    if is_terminal() && table.width().is_some_and(|width| width > 0) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(header.iter().copied());
    table.add_rows(
        rows.into_iter().map(|row| row.into_iter().map(|cell| one_line(&cell)).collect::<Vec<_>>()),
    );
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Returns one line for each label and its text. An empty label continues the one above.
pub fn labelled(lines: &[(&str, String)]) -> String {
    let line = |(label, text): &(&str, String)| {
        format!("{label:<LABEL_WIDTH$} {}", one_line(text)).trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text from elsewhere on one line, safe for a terminal: control characters and invisible ones are escaped.
pub fn one_line(text: &str) -> String {
    text::escaped(text).into_owned()
}

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// A time as RFC 3339 in UTC, in whole seconds.
pub fn timestamp(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(time);
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// The time at which something expires, marked if it has expired.
pub fn expiry(expiry: OffsetDateTime, now: OffsetDateTime) -> String {
    let text = timestamp(expiry);
    if expiry <= now { format!("{text} (expired)") } else { text }
}

/// A number of things whose plural ends with "s": "no clusters", "1 cluster", "2 clusters".
pub fn count(number: u64, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

/// A size in binary units with one decimal.
pub fn bytes(amount: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if amount < 1024 {
        return format!("{amount} B");
    }
    let mut value = amount as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_binary_units_and_one_decimal() {
        for (amount, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1536 * 1024 * 1024, "1.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(amount), text);
        }
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!([0, 1, 2].map(|number| count(number, "row")), ["no rows", "1 row", "2 rows"]);
    }

    #[test]
    fn hostile_name_cannot_control_the_terminal() {
        let hostile = "a\x1b[2Jb\u{202e}c\nd".to_owned();
        let shown = "a\\u{1b}[2Jb\\u{202e}c\\nd";
        assert_eq!(one_line(&hostile), shown);
        assert_eq!(labelled(&[("Name", hostile.clone())]), format!("{:<LABEL_WIDTH$} {shown}", "Name"));
        assert!(table(&["NAME"], [vec![hostile]]).contains(shown));
    }
}
