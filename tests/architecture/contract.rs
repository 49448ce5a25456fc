//! Comments that name the contract name a section of `docs/reference/wire-contract.md`, and one that is there.

use std::collections::BTreeSet;
use std::fs;

use crate::{source_tree, sources};

const DOCUMENT: &str = "docs/reference/wire-contract.md";
const LANGUAGES: &[&str] = &["rs", "py", "ts", "tsx", "sql"];

/// The sections that can be linked to: `1.2` for `<a id="contract-1-2"></a>`.
fn sections() -> BTreeSet<String> {
    let text = fs::read_to_string(source_tree().join(DOCUMENT)).unwrap();
    let anchors = text.split("<a id=\"contract-").skip(1);
    anchors.map(|rest| rest.split('"').next().unwrap().replace('-', ".")).collect()
}

/// The words of a line's comment, in lower case, without what encloses them.
fn words_of_comment(line: &str) -> Vec<String> {
    let comment =
        ["//", "# ", "--", " * "].iter().filter_map(|mark| line.split_once(mark)).map(|(_, rest)| rest);
    let comment = comment.max_by_key(|rest| rest.len()).unwrap_or_default().to_lowercase();
    let is_outside = |c: char| !c.is_alphanumeric();
    comment.split_whitespace().map(|word| word.trim_matches(is_outside).to_owned()).collect()
}

/// The sections that a comment names after the word "contract": `contract 1.1, 1.2`, `contract section 5`. None where it
/// does not mention the contract.
fn named_sections(line: &str) -> Option<Vec<String>> {
    let words = words_of_comment(line);
    let is_contract = |word: &String| matches!(word.as_str(), "contract" | "contract's");
    let is_section = |word: &&String| word.starts_with(|c: char| c.is_ascii_digit());
    let mut mentions = words.split(is_contract).skip(1).peekable();
    mentions.peek()?;
    let named = mentions.flat_map(|after| {
        let sections = after.iter().skip_while(|word| word.starts_with("section"));
        sections.take_while(move |word| is_section(word) || *word == "and").filter(is_section).cloned()
    });
    Some(named.collect())
}

#[test]
fn every_comment_about_the_contract_names_a_section_that_is_there() {
    let sections = sections();
    assert!(sections.contains("1.2"), "{DOCUMENT} has no anchors: {sections:?}");
    let mut wrong = Vec::new();
    for (path, text) in sources(LANGUAGES) {
        if path.starts_with("tests/architecture") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let Some(named) = named_sections(line) else { continue };
            if named.is_empty() || named.iter().any(|section| !sections.contains(section)) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "say `contract N.N`, as an anchor of {DOCUMENT} is named:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn sections_are_read_as_people_write_them() {
    let named = |line: &str| named_sections(line);
    assert_eq!(
        named("//! As a cluster speaks it (contract 1.1, 1.2)."),
        Some(vec!["1.1".into(), "1.2".into()])
    );
    assert_eq!(named("/// 80 % each (contract section 2)."), Some(vec!["2".into()]));
    assert_eq!(named("//! Joining, as the contract (1.2) says."), Some(vec!["1.2".into()]));
    assert_eq!(named("/// In the contract's order of checks."), Some(vec![]));
    assert_eq!(named("const CONTRACT: &[&str] = &["), None);
}
