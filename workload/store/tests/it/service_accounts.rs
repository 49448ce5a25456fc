//! Service accounts: creation, lookup by token, revocation.

use std::time::Instant;

use fleet::service_account::ServiceAccountName;
use fleet::{CredentialId, Role, ServiceToken};
use store::access::{CreateServiceAccountError, NewServiceAccount};
use store::database::Change;
use store::testing::{empty_database, migrated_store, store, texts};
use store::{DatabaseOptions, Store};
use time::{Duration, OffsetDateTime};

use crate::support::origin;

fn token(byte: u8) -> ServiceToken {
    ServiceToken::from_random(&[byte; 32])
}

fn account(name: &str, lifetime: Duration) -> NewServiceAccount {
    NewServiceAccount {
        name: ServiceAccountName::new(name).unwrap(),
        role: Role::Operator,
        description: "made by a test".to_owned(),
        expiry: OffsetDateTime::now_utc() + lifetime,
    }
}

async fn database() -> (DatabaseOptions, Store) {
    let options = empty_database().await.unwrap();
    let store = store(&options);
    store.migrate().await.unwrap();
    (options, store)
}

#[tokio::test]
async fn account_is_found_only_by_its_token() {
    let store = migrated_store().await.unwrap();
    store.put_service_account(&account("ci", Duration::HOUR), &token(1), &origin()).await.unwrap();
    let found = store.service_account_by_token(&token(1)).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.role, found.created_by.as_str()), ("ci", Role::Operator, "test"));
    assert_eq!(found.last_used_at, None);
    assert_eq!(store.service_account_by_token(&token(2)).await.unwrap(), None);
}

#[tokio::test]
async fn revoked_account_is_refused_at_once() {
    let store = migrated_store().await.unwrap();
    store.put_service_account(&account("ci", Duration::HOUR), &token(1), &origin()).await.unwrap();
    let credential = CredentialId(token(1).digest());
    assert!(store.credential_exists(credential).await.unwrap());
    let mut changes = store.listen().await.unwrap();
    assert!(store.revoke_service_account("ci", &origin()).await.unwrap());
    assert_eq!(changes.next().await, Some(Change::CredentialEnded(credential)));
    assert!(!store.credential_exists(credential).await.unwrap());
    assert_eq!(store.service_account_by_token(&token(1)).await.unwrap(), None);
    assert!(!store.revoke_service_account("ci", &origin()).await.unwrap());
    assert_eq!(store.service_accounts().await.unwrap(), []);
}

#[tokio::test]
async fn name_is_taken_until_its_account_expires() {
    let store = migrated_store().await.unwrap();
    store.put_service_account(&account("ci", -Duration::SECOND), &token(1), &origin()).await.unwrap();
    assert_eq!(store.service_account_by_token(&token(1)).await.unwrap(), None, "it has expired");
    store.put_service_account(&account("ci", Duration::HOUR), &token(2), &origin()).await.unwrap();
    let again = store.put_service_account(&account("ci", Duration::HOUR), &token(3), &origin()).await;
    assert!(matches!(&again, Err(CreateServiceAccountError::Exists(name)) if name == "ci"), "{again:?}");
    let listed = store.service_accounts().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(store.service_account_by_token(&token(2)).await.unwrap().is_some());
    assert!(store.service_account_by_token(&token(3)).await.unwrap().is_none());
}

#[tokio::test]
async fn accounts_are_sorted_by_the_bytes_of_their_names() {
    let store = migrated_store().await.unwrap();
    for (byte, name) in ["b", "é", "B", "a/b"].into_iter().enumerate() {
        let token = token(u8::try_from(byte).unwrap());
        store.put_service_account(&account(name, Duration::HOUR), &token, &origin()).await.unwrap();
    }
    let names: Vec<_> = store.service_accounts().await.unwrap().into_iter().map(|a| a.name).collect();
    assert_eq!(names, ["B", "a/b", "b", "é"]);
}

#[tokio::test]
async fn last_use_is_recorded_at_most_once_a_minute() {
    let (options, store) = database().await;
    store.put_service_account(&account("ci", Duration::HOUR), &token(1), &origin()).await.unwrap();
    store.service_account_by_token(&token(1)).await.unwrap();
    let recorded = last_use(&store).await;
    let finds = (0..50).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.service_account_by_token(&token(1)).await.unwrap().unwrap() })
    });
    for found in futures_util::future::join_all(finds.collect::<Vec<_>>()).await {
        assert_eq!(found.unwrap().last_used_at, Some(recorded));
    }
    let minute_ago = "UPDATE service_accounts SET last_used_at = now() - interval '61 seconds'";
    store::testing::execute(&options, minute_ago).await.unwrap();
    store.service_account_by_token(&token(1)).await.unwrap();
    let began = Instant::now();
    while last_use(&store).await <= recorded {
        assert!(began.elapsed().as_secs() < 10, "the use is recorded again after a minute");
    }
}

/// Waits until the last use of the only account is recorded, and returns it.
async fn last_use(store: &Store) -> OffsetDateTime {
    let began = Instant::now();
    loop {
        if let Some(at) = store.service_accounts().await.unwrap()[0].last_used_at {
            return at;
        }
        assert!(began.elapsed().as_secs() < 10, "the use is recorded soon");
    }
}

#[tokio::test]
async fn creation_and_revocation_are_recorded_without_the_token() {
    let (options, store) = database().await;
    store.put_service_account(&account("ci", Duration::HOUR), &token(1), &origin()).await.unwrap();
    store.put_service_account(&account("ci", Duration::HOUR), &token(2), &origin()).await.unwrap_err();
    store.revoke_service_account("ci", &origin()).await.unwrap();
    let sql = "SELECT concat_ws(' ', action, actor_name, subject, before->>'role', after->>'role')
        FROM events ORDER BY id";
    let events = texts(&options, sql).await.unwrap();
    assert_eq!(
        events,
        ["service-account.created test ci operator", "service-account.revoked test ci operator"]
    );
    let all = texts(&options, "SELECT row_to_json(events)::text FROM events").await.unwrap();
    assert!(
        all.iter().all(|event| !event.contains("cmsa_") && !event.contains(&hex::encode(token(1).digest())))
    );
}
