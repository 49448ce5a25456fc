//! No two files of a crate need each other, be it over others: what goes in circles cannot be read, or moved, apart.
//!
//! A file may name what is declared in it (its child modules) and be named by them: parents and children count as one
//! thing. So does the crate's root.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources;

/// The path of a module within its crate; the root's is empty.
type Module = Vec<String>;

/// The modules of each crate, by the crate's folder.
fn crates() -> BTreeMap<String, BTreeMap<Module, String>> {
    let mut crates = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (path, text) in sources(&["rs"]) {
        let path = path.to_str().unwrap();
        let Some((name, file)) = path.split_once("/src/") else { continue };
        let mut module: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if matches!(module.last().unwrap().as_str(), "mod" | "lib" | "main") {
            module.pop();
        }
        // Tests know everything, and nothing knows them.
        if module.first().is_some_and(|first| first == "bin") || module.iter().any(|name| name == "tests") {
            continue;
        }
        crates.entry(name.to_owned()).or_default().insert(module, text);
    }
    crates
}

/// All paths within the crate that a file names, as `use` or in place: `crate::a::b`, `super::c`, with their braces.
fn named_paths(module: &Module, text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
    for (start, base) in [("crate::", Vec::new()), ("super::", parent(module))] {
        for (at, _) in code.match_indices(start) {
            let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if is_whole {
                read_tree(&code[at + start.len()..], &base, &mut found);
            }
        }
    }
    found
}

fn parent(module: &Module) -> Module {
    module.split_last().map(|(_, parent)| parent.to_vec()).unwrap_or_default()
}

/// Reads one path with its braces. Returns what follows it.
fn read_tree<'a>(text: &'a str, base: &Module, found: &mut Vec<Module>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = read_tree(rest, base, found).trim_start();
            match rest.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => rest = next,
                Some(next) => return next.trim_start().get(1..).unwrap_or_default(),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = match name {
        "super" => parent(base),
        "self" => base.clone(),
        name => [base.clone(), vec![name.to_owned()]].concat(),
    };
    match rest.strip_prefix("::") {
        Some(rest) if !name.is_empty() => read_tree(rest, &path, found),
        _ => {
            found.push(path);
            rest
        }
    }
}

/// Which modules each module needs, parents and children left out.
fn needs(modules: &BTreeMap<Module, String>) -> BTreeMap<&Module, BTreeSet<&Module>> {
    let needs = modules.iter().map(|(module, text)| {
        let named = named_paths(module, text).into_iter().filter_map(|path| {
            let prefixes = (1..=path.len()).rev().map(|length| path[..length].to_vec());
            prefixes.filter_map(|prefix| modules.get_key_value(&prefix)).map(|(known, _)| known).next()
        });
        let others = named.filter(|other| !module.starts_with(other) && !other.starts_with(module));
        (module, others.collect())
    });
    needs.collect()
}

/// The shortest way from a module back to itself.
fn circle<'a>(
    needs: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
    start: &'a Module,
) -> Option<Vec<&'a Module>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in &needs[way.last().unwrap()] {
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push([way.as_slice(), &[*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

#[test]
fn no_modules_need_each_other() {
    let mut circles = BTreeSet::new();
    for (name, modules) in crates() {
        let needs = needs(&modules);
        for module in modules.keys() {
            if let Some(mut way) = circle(&needs, module) {
                // One circle is found from each of its modules.
                let first = (0..way.len()).min_by_key(|index| way[*index]).unwrap();
                way.rotate_left(first);
                let way: Vec<_> = way.iter().map(|module| module.join("::")).collect();
                circles.insert(format!("{name}: {}", way.join(" → ")));
            }
        }
    }
    assert!(
        circles.is_empty(),
        "modules that need each other:\n{}",
        circles.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn paths_are_read_as_rust_reads_them() {
    let text = "use crate::{a::{self, X}, b};\nuse super::c::Y;\nfn f() { crate::d::g() } // crate::e\n";
    let module = vec!["outer".to_owned(), "inner".to_owned()];
    let found: Vec<_> = named_paths(&module, text).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a", "a::X", "b", "d::g", "outer::c::Y"]);
}
