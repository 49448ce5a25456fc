//! Reading a report: limits act while it is read, and a value that does not fit costs only itself (contract 1.2).
//!
//! What is beyond a limit is skipped, not collected: a body of 64 MiB of list entries costs no more memory than a small one.

use std::borrow::Cow;

use super::{
    Details, Field, Heartbeat, InvalidHeartbeat, Load, MAX_MEMBERS, MAX_METRICS_NAMES_BYTES, MAX_POOLS,
    MAX_POOLS_BYTES, MAX_STATUSES, MAX_URL_BYTES, MAX_WORD_BYTES, MemberMetrics, Misfits, Problem,
    StatusCount, StoragePoolUsage,
};
use crate::json::scan::{InvalidJson, Kind, Scanner, decoded};

/// The maximum length of a load in bytes.
const MAX_LOAD_BYTES: usize = 32;
/// What an entry of a list costs in memory or in the database apart from its texts, in bytes.
const ENTRY_BYTES: usize = 96;
/// The most bytes of JSON for one byte of text: `\u0041`.
const MAX_ESCAPED_BYTES: usize = 6;

/// A value, or why it cannot be stored.
type Fitted<T> = Result<T, Problem>;

pub(super) fn read(body: &[u8]) -> Result<Heartbeat<'_>, InvalidHeartbeat> {
    let text = std::str::from_utf8(body).map_err(|error| InvalidHeartbeat(error.to_string()))?;
    let mut scanner = Scanner::new(text);
    if scanner.kind() != Ok(Kind::Object) {
        return Err(InvalidHeartbeat("expected a JSON object".to_owned()));
    }
    let mut report = Report::default();
    let invalid = |error: InvalidJson| InvalidHeartbeat(error.to_string());
    scanner.object(|key, scanner| report.read_field(key, scanner)).map_err(invalid)?;
    scanner.end().map_err(invalid)?;
    Ok(report.finished())
}

/// A report that is being read.
#[derive(Default)]
struct Report<'a> {
    details: Details,
    lxd_url: Option<String>,
    metrics: Vec<MemberMetrics<'a>>,
    misfits: Misfits,
    /// The fields that were read, one bit each.
    seen: u32,
}

/// The bytes that the entries of a list may still take.
struct Budget(usize);

impl<'a> Report<'a> {
    fn read_field(&mut self, key: &str, scanner: &mut Scanner<'a>) -> Result<(), InvalidJson> {
        let Some(field) = Field::from_name(key) else { return scanner.value().map(drop) };
        let bit = 1 << field as u32;
        if self.seen & bit != 0 {
            self.misfits.add(field, Problem::Repeated);
            return scanner.value().map(drop);
        }
        self.seen |= bit;
        match field {
            Field::CephStatuses => self.details.ceph_statuses = self.statuses(field, scanner)?,
            Field::MemberStatuses => self.details.member_statuses = self.statuses(field, scanner)?,
            Field::InstanceStatuses => self.details.instance_statuses = self.statuses(field, scanner)?,
            Field::StoragePoolUsages => self.details.storage_pool_usages = self.pools(scanner)?,
            Field::ServerMetrics => self.metrics = self.metrics(scanner)?,
            _ => self.scalar(field, scanner.value()?),
        }
        Ok(())
    }

    fn scalar(&mut self, field: Field, json: &str) {
        let details = &mut self.details;
        let fitted = match field {
            Field::CpuTotalCount => signed(json).map(|number| details.cpu_total_count = number),
            Field::MemoryTotalAmount => signed(json).map(|number| details.memory_total_amount = number),
            Field::MemoryUsage => signed(json).map(|number| details.memory_usage = number),
            Field::CpuLoad1 => load(json).map(|load| details.cpu_load_1 = load),
            Field::CpuLoad5 => load(json).map(|load| details.cpu_load_5 = load),
            Field::CpuLoad15 => load(json).map(|load| details.cpu_load_15 = load),
            Field::UiUrl => text(json, MAX_URL_BYTES).map(|url| details.ui_url = url.into_owned()),
            // An absent text and `null` are the same, so that the other spelling counts.
            Field::LxdUrl if json == "null" => Ok(()),
            Field::LxdUrl => text(json, MAX_URL_BYTES).map(|url| self.lxd_url = Some(url.into_owned())),
            Field::ClusterUuid => {
                text(json, MAX_WORD_BYTES).map(|uuid| details.cluster_uuid = uuid.into_owned())
            }
            Field::CephStatuses
            | Field::StoragePoolUsages
            | Field::MemberStatuses
            | Field::InstanceStatuses
            | Field::ServerMetrics => Ok(()),
        };
        if let Err(problem) = fitted {
            self.misfits.add(field, problem);
        }
    }

    /// Reads a list of at most `max` entries. `entry` reads one; one that is `None` is not needed.
    fn list<T>(
        &mut self,
        field: Field,
        max: usize,
        scanner: &mut Scanner<'a>,
        mut entry: impl FnMut(&mut Scanner<'a>) -> Result<Fitted<Option<T>>, InvalidJson>,
    ) -> Result<Vec<T>, InvalidJson> {
        let mut list = Vec::new();
        let kind = scanner.kind()?;
        if kind != Kind::Array {
            if kind != Kind::Null {
                self.misfits.add(field, Problem::WrongType);
            }
            return scanner.value().map(|_| list);
        }
        scanner.array(|scanner| {
            let fitted = if list.len() == max {
                scanner.value()?;
                Err(Problem::TooMany)
            } else if scanner.kind()? == Kind::Object {
                entry(scanner)?
            } else {
                scanner.value()?;
                Err(Problem::WrongType)
            };
            match fitted {
                Ok(entry) => list.extend(entry),
                Err(problem) => self.misfits.add(field, problem),
            }
            Ok(())
        })?;
        Ok(list)
    }

    fn statuses(&mut self, field: Field, scanner: &mut Scanner<'a>) -> Result<Vec<StatusCount>, InvalidJson> {
        // The sum of the counts must fit into a column of this type.
        let mut left = i32::MAX.unsigned_abs();
        self.list(field, MAX_STATUSES, scanner, |scanner| {
            let (mut status, mut count) = (Once::default(), Once::default());
            scanner.object(|key, scanner| {
                match key {
                    "status" => status.set(text(scanner.value()?, MAX_WORD_BYTES)),
                    "count" => count.set(whole(scanner.value()?)),
                    _ => _ = scanner.value()?,
                }
                Ok(())
            })?;
            Ok(fit_status(status, count, &mut left).map(Some))
        })
    }

    fn pools(&mut self, scanner: &mut Scanner<'a>) -> Result<Vec<StoragePoolUsage>, InvalidJson> {
        let mut budget = Budget(MAX_POOLS_BYTES);
        self.list(Field::StoragePoolUsages, MAX_POOLS, scanner, |scanner| {
            let (mut name, mut member) = (Once::default(), Once::default());
            let (mut total, mut usage) = (Once::default(), Once::default());
            scanner.object(|key, scanner| {
                let json = scanner.value()?;
                match key {
                    "name" => name.set(word(json)),
                    "member" => member.set(word(json)),
                    "total" => total.set(whole(json)),
                    "usage" => usage.set(whole(json)),
                    _ => {}
                }
                Ok(())
            })?;
            Ok(fit_pool(name, member, total, usage, &mut budget).map(Some))
        })
    }

    fn metrics(&mut self, scanner: &mut Scanner<'a>) -> Result<Vec<MemberMetrics<'a>>, InvalidJson> {
        let mut budget = Budget(MAX_METRICS_NAMES_BYTES);
        self.list(Field::ServerMetrics, MAX_MEMBERS, scanner, |scanner| {
            let (mut member, mut service, mut metrics) = (Once::default(), Once::default(), Once::default());
            scanner.object(|key, scanner| {
                let json = scanner.value()?;
                match key {
                    "member" => member.set(word(json)),
                    "service" => service.set(word(json)),
                    "metrics" => metrics.set(exposition(json)),
                    _ => {}
                }
                Ok(())
            })?;
            Ok(fit_metrics(member, service, metrics, &mut budget))
        })
    }

    fn finished(mut self) -> Heartbeat<'a> {
        if let Some(url) = self.lxd_url {
            self.details.ui_url = url;
        }
        Heartbeat { details: self.details, metrics: self.metrics, misfits: self.misfits }
    }
}

fn fit_status(status: Once<Cow<'_, str>>, count: Once<u64>, left: &mut u32) -> Fitted<StatusCount> {
    let (status, count) = (status.get()?, count.get()?);
    let count = u32::try_from(count).map_err(|_| Problem::TooLarge)?;
    *left = left.checked_sub(count).ok_or(Problem::TooLarge)?;
    Ok(StatusCount { status: status.into_owned(), count })
}

fn fit_pool(
    name: Once<Word<'_>>,
    member: Once<Word<'_>>,
    total: Once<u64>,
    usage: Once<u64>,
    budget: &mut Budget,
) -> Fitted<StoragePoolUsage> {
    let (name, member) = (name.get()?, member.get()?);
    let (total, usage) = (total.get()?, usage.get()?);
    budget.take(&[&name, &member])?;
    Ok(StoragePoolUsage { name: name.text.into_owned(), member: member.text.into_owned(), total, usage })
}

/// An entry without metrics is not needed.
fn fit_metrics<'a>(
    member: Once<Word<'a>>,
    service: Once<Word<'a>>,
    metrics: Once<Option<&'a str>>,
    budget: &mut Budget,
) -> Fitted<Option<MemberMetrics<'a>>> {
    let (member, service) = (member.get()?, service.get()?);
    let Some(metrics) = metrics.get()? else { return Ok(None) };
    budget.take(&[&member, &service])?;
    Ok(Some(MemberMetrics { member: member.text, service: service.text, metrics }))
}

/// A short text, and what it costs.
#[derive(Default)]
struct Word<'a> {
    text: Cow<'a, str>,
    /// Its length in JSON, in bytes: no shorter than the text, nor than the JSON that the database gets.
    cost: usize,
}

impl Budget {
    fn take(&mut self, words: &[&Word<'_>]) -> Fitted<()> {
        let cost = ENTRY_BYTES + words.iter().map(|word| word.cost).sum::<usize>();
        self.0 = self.0.checked_sub(cost).ok_or(Problem::TooMany)?;
        Ok(())
    }
}

/// The value of a key that may occur once in an entry.
struct Once<T>(Option<Fitted<T>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Default> Once<T> {
    fn set(&mut self, value: Fitted<T>) {
        self.0 = Some(if self.0.is_none() { value } else { Err(Problem::Repeated) });
    }

    /// The value. An absent one is 0 or empty.
    fn get(self) -> Fitted<T> {
        self.0.unwrap_or_else(|| Ok(T::default()))
    }
}

/// A whole number of 0 or more; `null` is 0.
fn whole(json: &str) -> Fitted<u64> {
    json.parse().or_else(|_| match json.as_bytes() {
        b"null" | b"-0" => Ok(0),
        [b'-' | b'0'..=b'9', ..] if json.contains(['.', 'e', 'E']) => Err(Problem::NotWhole),
        [b'-', ..] => Err(Problem::Negative),
        [b'0'..=b'9', ..] => Err(Problem::TooLarge),
        _ => Err(Problem::WrongType),
    })
}

fn signed(json: &str) -> Fitted<i64> {
    i64::try_from(whole(json)?).map_err(|_| Problem::TooLarge)
}

/// A text of at most `max` bytes; `null` is empty.
fn text(json: &str, max: usize) -> Fitted<Cow<'_, str>> {
    if json == "null" {
        return Ok(Cow::Borrowed(""));
    }
    if !json.starts_with('"') {
        return Err(Problem::WrongType);
    }
    // Decoding must not cost more than the limit allows.
    if json.len() > MAX_ESCAPED_BYTES * max + 2 {
        return Err(Problem::TooLong);
    }
    match decoded(json) {
        None => Err(Problem::NotUnicode),
        Some(text) if text.len() > max => Err(Problem::TooLong),
        // In JSON, NUL is always escaped.
        Some(Cow::Owned(text)) if text.contains('\0') => Err(Problem::Nul),
        Some(text) => Ok(text),
    }
}

fn word(json: &str) -> Fitted<Word<'_>> {
    text(json, MAX_WORD_BYTES).map(|text| Word { text, cost: json.len() })
}

fn load(json: &str) -> Fitted<Load> {
    let text = text(json, MAX_LOAD_BYTES)?;
    let is_load = text.is_empty() || text.parse::<f64>().is_ok_and(|load| load.is_finite() && load >= 0.0);
    if is_load { Ok(Load(text.into_owned())) } else { Err(Problem::NotALoad) }
}

/// The text between the quotes, still escaped.
fn exposition(json: &str) -> Fitted<Option<&str>> {
    if json == "null" {
        return Ok(None);
    }
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    text.map(Some).ok_or(Problem::WrongType)
}
