//! Tests of the content of a session.

use openid_documents::Document;

use super::*;
use crate::claims::{Groups, Profile};

const AGE: RoleAge = RoleAge(3600);

fn content(good_until: i64) -> Content {
    Content {
        issuer: "https://idp".to_owned(),
        id_token: Some("old id".to_owned()),
        refresh_token: Some("old refresh".to_owned()),
        groups: vec!["admins".to_owned()],
        groups_left_out: false,
        groups_stated_at: now() - 10,
        good_until,
        retry_at: 0,
    }
}

fn person(subject: &str) -> Person {
    Person { subject: subject.to_owned(), name: "Name".to_owned(), email: "a@b.c".to_owned() }
}

fn granted(verified: Option<Verified>) -> Granted {
    Granted { verified, id_token: None, refresh_token: None, expires_in: Some(300) }
}

fn verified(groups: Option<&[&str]>) -> Verified {
    let claims = serde_json::json!({ "groups": groups }).to_string();
    let groups = Groups::read(&Document::read("claims", claims.as_bytes()).unwrap(), "groups");
    let profile = Profile { subject: "a".to_owned(), name: None, email: None };
    Verified { profile, groups, expires_at: now() + 100 }
}

#[test]
fn renewal_without_id_token_changes_only_the_expiry() {
    let (kept, who) = content(0).renewed(granted(None), person("a"), AGE).unwrap();
    assert_eq!((kept.groups.as_slice(), kept.groups_stated_at < now()), (&["admins".to_owned()][..], true));
    assert_eq!(
        (kept.refresh_token.as_deref(), kept.id_token.as_deref()),
        (Some("old refresh"), Some("old id"))
    );
    assert_eq!(who, person("a"));
    assert!((now() + 295..=now() + 300).contains(&kept.good_until));
}

#[test]
fn renewed_id_token_replaces_the_groups() {
    for (said, groups) in [(Some(&["viewers"][..]), &["viewers"][..]), (Some(&[]), &[]), (None, &[])] {
        let (kept, who) = content(0).renewed(granted(Some(verified(said))), person("a"), AGE).unwrap();
        assert_eq!(kept.groups, groups);
        assert!(kept.groups_stated_at >= now() - 5);
        assert_eq!(who, person("a"), "name and address stay");
        let first = now() + 95..=now() + 100;
        assert!(first.contains(&kept.good_until), "the first of the tokens to expire counts");
    }
    assert!(content(0).renewed(granted(Some(verified(None))), person("b"), AGE).is_err(), "somebody else");
}

#[test]
fn groups_expire_if_the_provider_does_not_state_them() {
    let said = |seconds_ago: i64| Content { groups_stated_at: now() - seconds_ago, ..content(0) };
    let (kept, _) = said(AGE.0 - 60).renewed(granted(None), person("a"), AGE).unwrap();
    assert!((now() + 50..=now() + 60).contains(&kept.good_until), "then the provider is asked again");
    assert!(said(AGE.0).renewed(granted(None), person("a"), AGE).is_err());
    let confirmed = said(AGE.0).renewed(granted(Some(verified(Some(&["admins"])))), person("a"), AGE);
    assert_eq!(confirmed.unwrap().0.groups, ["admins"]);
    let (kept, _) = content(0)
        .renewed(Granted { expires_in: Some(u64::MAX), ..granted(None) }, person("a"), AGE)
        .unwrap();
    assert_eq!(kept.good_until, AGE.ends_at(kept.groups_stated_at));
}

#[test]
fn failed_renewal_is_retried_with_the_newest_refresh_token() {
    assert_eq!(content(0).renewal_delay(), None);
    let put_off = content(0).postponed(Some("new refresh".to_owned()));
    assert!(put_off.renewal_delay().unwrap().retry_after <= Duration::from_secs(5));
    assert_eq!(put_off.refresh_token.as_deref(), Some("new refresh"));
    assert_eq!(content(0).postponed(None).refresh_token.as_deref(), Some("old refresh"));
    assert_eq!(put_off.renewed(granted(None), person("a"), AGE).unwrap().0.renewal_delay(), None);
}

#[test]
fn tokens_that_are_issued_expired_are_not_renewed_continuously() {
    let latest = now() + 4000;
    assert!(good_until(Some(0), Some(now() - 1000), latest) > now() - 1);
    assert!((now() + 3500..latest).contains(&good_until(None, None, latest)));
    assert_eq!(good_until(Some(u64::MAX), None, latest), latest);
    assert!(good_until(Some(300), None, now() - 5) > now() - 1);
}

#[test]
fn session_without_date_of_groups_still_opens() {
    let text = r#"{"issuer": "i", "id_token": null, "refresh_token": "r", "groups": [], "good_until": 0}"#;
    let content: Content = serde_json::from_str(text).unwrap();
    assert!(content.groups_stated_at >= now() - 5 && content.renewal_delay().is_none());
}

#[test]
fn session_outlives_its_tokens_during_an_outage_for_the_grace_period() {
    let away = Away { retry_after: Duration::from_secs(7) };
    let ask = |good_until, stated_at| {
        let session = Session { id: SessionId([1; 32]), person: person("a"), sealed: Vec::new() };
        let content = Content { groups_stated_at: stated_at, ..content(good_until) };
        content.caller_unless_too_old(session, AGE, away).map_err(|error| error.status().as_u16())
    };
    assert!(ask(now() - OUTAGE_GRACE_SECONDS + 5, now() - 700).is_ok());
    assert_eq!(ask(now() - OUTAGE_GRACE_SECONDS - 5, now() - 700).unwrap_err(), 503);
    assert_eq!(ask(now() - 5, now() - AGE.0).unwrap_err(), 503, "the role never becomes older than it may");
}

#[test]
fn renewal_is_due_early_enough_to_survive_an_outage() {
    for (max_age, renewal) in [(3600, 3000), (1200, 600), (60, 30), (1, 1)] {
        let age = RoleAge(max_age);
        assert_eq!((age.renewal_at(1000), age.ends_at(1000)), (1000 + renewal, 1000 + max_age), "{max_age}");
    }
    assert!(RoleAge::new(Duration::MAX).ends_at(now()) > now());
    let kept_by_an_earlier_program = Content { groups_stated_at: now() - 3600, ..content(now() + 40_000) };
    assert!(kept_by_an_earlier_program.is_due(AGE));
    assert!(!content(now() + 100).is_due(AGE) && content(now()).is_due(AGE));
}
