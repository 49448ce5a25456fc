//! Filters and keys of sorting in SQL. The text depends on what is asked for, values are always parameters.
//!
//! Health is judged here by the same rules as in `fleet::HealthRules`; a test compares the two over thousands of
//! clusters.

use std::fmt::Write as _;

use deadpool_postgres::Object;
use fleet::health::RecentGaps;
use fleet::query::{ClusterFilter, SortBy};
use fleet::report_summary::{INSTANCE_STATUSES, MEMBER_STATUSES, without_case};
use fleet::warning::CERTIFICATE_NOTICE;
use fleet::{HealthRules, HealthState, Percent, ServiceClock, WarningKind};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::StoreError;

/// How a key of sorting is written in a cursor and read back: `::` and its type.
pub(super) struct Key {
    pub(super) cast: &'static str,
}

/// A statement in the making.
pub(crate) struct Statement {
    text: String,
    parameters: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
    moment: Moment,
}

/// The places of the parameters that say by which rules and at which moment is judged; bound when first needed.
struct Moment {
    rules: HealthRules,
    clock: ServiceClock,
    judging: Option<Judging>,
    now: Option<usize>,
    certificate_notice: Option<usize>,
}

#[derive(Clone, Copy)]
struct Judging {
    service: usize,
    fresh_since: usize,
    late_after: usize,
    lost_after: usize,
}

/// How a key's type is called.
pub(super) fn key(sort: SortBy) -> Key {
    let cast = match sort {
        SortBy::Name | SortBy::Description => "::text",
        SortBy::LastHeartbeat | SortBy::JoinedAt => "::timestamptz",
        SortBy::Cpu => "::double precision",
        _ => "::bigint",
    };
    Key { cast }
}

/// Whether the filter looks at `remote_clusters`, beside the narrow rows.
pub(super) fn needs_cluster(filter: &ClusterFilter) -> bool {
    filter.search.is_some() || filter.warning.contains(&WarningKind::Certificate)
}

impl Statement {
    pub(crate) fn new(name: &str, rules: &HealthRules, clock: &ServiceClock) -> Self {
        let moment =
            Moment { rules: *rules, clock: *clock, judging: None, now: None, certificate_notice: None };
        Self { text: format!("-- {name}()\n"), parameters: Vec::new(), moment }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter and its place.
    pub(crate) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> &mut Self {
        let place = self.parameter(value, kind);
        self.push_place(place)
    }

    /// The narrow rows as `l`, with `remote_clusters` as `c` if it is wanted.
    pub(crate) fn push_tables(&mut self, with_cluster: bool) -> &mut Self {
        self.push("remote_cluster_liveness AS l");
        if with_cluster {
            self.push(" JOIN remote_clusters AS c ON c.id = l.remote_cluster_id");
        }
        self
    }

    /// Runs it. It is not kept prepared: there are thousands of such texts, and the server would keep a plan of each.
    pub(crate) async fn query(&self, client: &Object) -> Result<Vec<Row>, StoreError> {
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = self
            .parameters
            .iter()
            .map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone()))
            .collect();
        Ok(client.query_typed(&self.text, &parameters).await?)
    }

    /// The condition that the filter makes.
    pub(super) fn push_filter(&mut self, filter: &ClusterFilter) -> &mut Self {
        let ClusterFilter {
            search,
            health,
            warning,
            member_status,
            instance_status,
            memory_above,
            storage_above,
        } = filter;
        self.push("true");
        if let Some(text) = search.as_ref().filter(|text| !text.is_empty()) {
            // Not LIKE: what people look for is no pattern.
            self.push(" AND position(without_case(").bind(text.clone(), Type::TEXT);
            self.push(") IN c.search_text) > 0");
        }
        if !health.is_empty() {
            // Written as a truth rather than as a comparison: of that the planner guesses that it holds for half of
            // the clusters, of a comparison for one in two hundred, and then it would look up the rest one by one.
            let ranks: Vec<i32> = health.iter().map(|state| rank(*state)).collect();
            self.push(" AND CASE ").push_state().push(" = ANY (").bind(ranks, Type::INT4_ARRAY);
            self.push(") WHEN true THEN true ELSE false END");
        }
        if !warning.is_empty() {
            self.push_warnings(warning);
        }
        if !member_status.is_empty() {
            self.push_statuses("members", &MEMBER_STATUSES, member_status);
        }
        if !instance_status.is_empty() {
            self.push_statuses("instances", &INSTANCE_STATUSES, instance_status);
        }
        self.push_share("memory_share", *memory_above);
        self.push_share("storage_share", *storage_above)
    }

    /// What the list is sorted by. Never null.
    pub(super) fn push_key(&mut self, sort: SortBy) -> &mut Self {
        match sort {
            SortBy::Name => self.push("c.name COLLATE \"C\""),
            SortBy::Description => self.push("c.description COLLATE \"C\""),
            SortBy::Health => {
                // The silence of a lost cluster is a critical warning in itself, that of a late one a warning.
                self.push("(CASE ")
                    .push_state()
                    .push(" WHEN 2 THEN 10 WHEN 1 THEN CASE WHEN ")
                    .push_critical();
                self.push(" THEN 6 ELSE 5 END ELSE CASE WHEN ").push_critical().push(" THEN 2");
                self.push(" WHEN l.warning_count > 0 OR c.certificate_not_after <= ")
                    .push_certificate_notice();
                self.push(" THEN 1 ELSE 0 END END)::bigint")
            }
            SortBy::LastHeartbeat => self.push("coalesce(l.last_heartbeat_at, 'epoch'::timestamptz)"),
            SortBy::Members => self.push("l.members::bigint"),
            SortBy::Instances => self.push("l.instances_running::bigint"),
            SortBy::Cpu => self.push("l.cpu_load"),
            SortBy::Memory => self.push("l.memory_share::bigint"),
            SortBy::Storage => self.push("l.storage_share::bigint"),
            SortBy::Warnings => {
                // No cluster has a thousand warnings: of a kind no more than fifty are kept.
                self.push("(least(l.critical_count, l.warning_count) * 1000 + l.warning_count + CASE ")
                    .push_state();
                self.push(
                    " WHEN 2 THEN 1001 WHEN 1 THEN 1 ELSE 0 END + CASE WHEN c.certificate_not_after < ",
                );
                self.push_now().push(" THEN 1001 WHEN c.certificate_not_after <= ").push_certificate_notice();
                self.push(" THEN 1 ELSE 0 END)::bigint")
            }
            SortBy::JoinedAt => self.push("c.joined_at"),
        }
    }

    /// 0 fresh, 1 late, 2 lost: `fleet::HealthRules::judge` in SQL.
    ///
    /// Sorting the gaps of a cluster for their median costs more than all else, so it is done only where it matters.
    /// A cluster that was heard within the shortest silence that could make any late is fresh. One whose silence is
    /// too long, or not long enough, for the longest of its gaps as for the shortest, is what both say; a
    /// millisecond to spare makes up for fractions in floating point. The others are judged exactly: twice the
    /// median is a whole number of microseconds even where the median lies between two gaps, and silence above five
    /// halves of that is silence above the whole part of it.
    pub(crate) fn push_state(&mut self) -> &mut Self {
        let Judging { service, fresh_since, late_after, lost_after } = self.judging();
        let gaps = (1..=RecentGaps::KEPT).fold(String::new(), |list, place| {
            format!("{list}{}l.recent_gaps[{place}]", if place > 1 { ", " } else { "" })
        });
        let silence = format!("date_part('epoch', ${service} - l.heard_at)");
        let _ = write!(
            self.text,
            "CASE WHEN l.heard_at >= ${fresh_since} THEN 0
                WHEN {silence} > greatest(${lost_after} / 1e6, 5 * (greatest({gaps}) + 0.001)) THEN 2
                WHEN {silence} > greatest(${late_after} / 1e6, 2 * (greatest({gaps}) + 0.001))
                    AND {silence} < greatest(${lost_after} / 1e6, 5 * (least({gaps}) - 0.001)) THEN 1
                ELSE (SELECT CASE WHEN silence > greatest(${lost_after}, twice_median * 5 / 2) THEN 2
                        WHEN silence > greatest(${late_after}, twice_median) THEN 1 ELSE 0 END
                    FROM (SELECT (extract(epoch FROM ${service} - l.heard_at) * 1000000)::bigint AS silence,
                        coalesce(sum(gap) * CASE count(gap) WHEN 1 THEN 2 ELSE 1 END, 0)::bigint AS twice_median
                        FROM (SELECT round(gap * 1e6)::bigint AS gap FROM unnest(l.recent_gaps) AS g (gap) ORDER BY gap
                            OFFSET greatest(cardinality(l.recent_gaps) - 1, 0) / 2
                            LIMIT 2 - cardinality(l.recent_gaps) % 2) AS middle) AS judged) END"
        );
        self
    }

    /// Whether a report or the certificate deserves a critical warning.
    fn push_critical(&mut self) -> &mut Self {
        self.push("(least(l.critical_count, l.warning_count) > 0 OR c.certificate_not_after < ");
        self.push_now().push(")")
    }

    /// The moment since which nobody needs a second look who was heard.
    pub(crate) fn push_fresh_since(&mut self) -> &mut Self {
        let place = self.judging().fresh_since;
        self.push_place(place)
    }

    /// The wall clock's time.
    pub(crate) fn push_now(&mut self) -> &mut Self {
        let place = match self.moment.now {
            Some(place) => place,
            None => self.parameter(self.moment.clock.now, Type::TIMESTAMPTZ),
        };
        self.moment.now = Some(place);
        self.push_place(place)
    }

    /// The time until which the certificates run out that are warned about.
    pub(crate) fn push_certificate_notice(&mut self) -> &mut Self {
        let place = match self.moment.certificate_notice {
            Some(place) => place,
            None => self.parameter(self.moment.clock.now + CERTIFICATE_NOTICE, Type::TIMESTAMPTZ),
        };
        self.moment.certificate_notice = Some(place);
        self.push_place(place)
    }

    fn push_warnings(&mut self, wanted: &[WarningKind]) {
        self.push(" AND (false");
        let mut reported: Vec<&'static str> = Vec::new();
        for kind in wanted {
            match kind {
                // These two are not reported, but seen.
                WarningKind::Heartbeat => {
                    self.push(" OR CASE ").push_state().push(" WHEN 0 THEN false ELSE true END");
                }
                WarningKind::Certificate => {
                    self.push(" OR c.certificate_not_after <= ").push_certificate_notice();
                }
                _ => reported.push(kind.as_str()),
            }
        }
        if !reported.is_empty() {
            self.push(" OR l.warning_count > 0 AND l.remote_cluster_id IN (SELECT w.remote_cluster_id");
            self.push(" FROM remote_cluster_warnings AS w WHERE w.kind = ANY (")
                .bind(reported, Type::TEXT_ARRAY);
            self.push("))");
        }
        self.push(")");
    }

    fn push_statuses(&mut self, of: &str, usual: &[&'static str], wanted: &[String]) {
        self.push(" AND (false");
        let mut unusual = Vec::new();
        for status in wanted {
            let status = without_case(status);
            match usual.iter().map(|word| without_case(word)).find(|word| *word == status) {
                Some(word) => {
                    self.push(&format!(" OR l.{of}_{word} > 0"));
                }
                None => unusual.push(status),
            }
        }
        if !unusual.is_empty() {
            self.push(&format!(" OR l.other_{of} ?| ")).bind(unusual, Type::TEXT_ARRAY);
        }
        self.push(")");
    }

    fn push_share(&mut self, column: &str, above: Option<Percent>) -> &mut Self {
        if let Some(percent) = above {
            self.push(&format!(" AND l.{column} > ")).bind(i32::from(percent.get()) * 100, Type::INT4);
        }
        self
    }

    fn judging(&mut self) -> Judging {
        if let Some(judging) = self.moment.judging {
            return judging;
        }
        let Moment { rules, clock, .. } = self.moment;
        let service: OffsetDateTime = clock.read().to_stored();
        let late_after = rules.late_after(RecentGaps::SHORTEST);
        let lost_after = rules.lost_after(RecentGaps::SHORTEST);
        let microseconds =
            |silence: time::Duration| i64::try_from(silence.whole_microseconds()).unwrap_or(i64::MAX);
        let judging = Judging {
            service: self.parameter(service, Type::TIMESTAMPTZ),
            fresh_since: self.parameter(service - late_after, Type::TIMESTAMPTZ),
            late_after: self.parameter(microseconds(late_after), Type::INT8),
            lost_after: self.parameter(microseconds(lost_after), Type::INT8),
        };
        self.moment.judging = Some(judging);
        judging
    }

    fn parameter(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> usize {
        self.parameters.push((Box::new(value), kind));
        self.parameters.len()
    }

    fn push_place(&mut self, place: usize) -> &mut Self {
        let _ = write!(self.text, "${place}");
        self
    }
}

const fn rank(state: HealthState) -> i32 {
    match state {
        HealthState::Fresh => 0,
        HealthState::Late => 1,
        HealthState::Lost => 2,
    }
}
