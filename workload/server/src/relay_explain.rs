//! `cluster-manager relay explain`: what the relay would do with a file of metrics.

use std::io::Read as _;
use std::path::Path;

use cli::arguments::{Explain, Format};
use cli::{Failure, output};
use relay::filter::Rules;
use relay::labels::{JobLabel, Origin};
use relay::{Explanation, Metric, Volume, explain};
use serde_json::json;
use settings::{Source, typed};

use crate::relay_setup;

/// Prints what the rules do with the metrics in a file.
pub(crate) fn run(source: &Source, format: Format, arguments: &Explain) -> Result<(), Failure> {
    let settings = typed::Relay::from(source)?;
    let rules = match arguments.rules.as_deref().or(settings.rules_file.as_deref()) {
        Some(path) => relay_setup::rules(path)?,
        None => Rules::default(),
    };
    let job = if settings.is_job_folded { JobLabel::Folded } else { JobLabel::Name };
    let origin = Origin::new(&arguments.cluster, &arguments.member, job);
    let explanation = explain(&read(&arguments.file)?, &origin, &rules, arguments.every);
    output::print(format, &view(&explanation), |_| {
        explanation.to_string().lines().map(output::one_line).collect::<Vec<_>>().join("\n")
    })
}

/// The explanation for programs.
fn view(explanation: &Explanation) -> serde_json::Value {
    let volume = |volume: Volume| json!({"samples": volume.samples, "bytes": volume.bytes, "samples_a_day": volume.samples_a_day});
    let metrics: serde_json::Map<_, _> = explanation
        .metrics
        .iter()
        .map(|(name, metric)| {
            let Metric { always, in_groups, denied, not_allowed } = metric;
            let counts = json!({"always": always, "in_groups": in_groups, "denied": denied, "not_allowed": not_allowed});
            (name.clone(), counts)
        })
        .collect();
    let bad: serde_json::Map<_, _> =
        explanation.bad.iter().map(|(reason, lines)| (reason.to_string(), json!(lines))).collect();
    json!({
        "metrics": metrics,
        "bad_lines": bad,
        "example": explanation.example,
        "exposed_bytes": explanation.exposed_bytes,
        "without_rules": volume(explanation.without_rules),
        "with_rules": volume(explanation.with_rules),
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::Other(format!("cannot read {}: {error}", file.display()));
    if file == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read(file).map_err(failed)
}
