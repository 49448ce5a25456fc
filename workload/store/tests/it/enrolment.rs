//! Joining and leaving (contract 1.2).

use store::database::Change;
use store::enrolment::{CreateTokenError, JoinError};
use store::testing::migrated_store;
use time::Duration;

use crate::support::{certificate, enrol, hmac_proof, origin, request, secret, token_for, token_proof};

#[tokio::test]
async fn join_with_token_enrols_the_cluster_and_uses_the_token_up() {
    let store = migrated_store().await.unwrap();
    token_for(&store, "a/b", Duration::HOUR).await;
    let certificate = certificate();
    let presented = Some(certificate.fingerprint);
    let uid = store
        .join_cluster(&request("a/b", &certificate), &token_proof("a/b"), presented, &origin())
        .await
        .unwrap();
    let cluster = store.cluster("a/b").await.unwrap().unwrap();
    assert_eq!((cluster.uid, cluster.description.as_str()), (uid, "made by a test"));
    assert_eq!(cluster.fingerprint, certificate.fingerprint);
    assert_eq!(cluster.certificate_pem, certificate.to_pem());
    assert_eq!(cluster.last_status_update_at(), cluster.joined_at);
    assert!(store.join_tokens().await.unwrap().is_empty());
    let again =
        store.join_cluster(&request("a/b", &certificate), &token_proof("a/b"), presented, &origin()).await;
    assert!(matches!(again, Err(JoinError::NoSuchToken)), "{again:?}");
}

#[tokio::test]
async fn join_with_hmac_proof() {
    let store = migrated_store().await.unwrap();
    token_for(&store, "a", Duration::HOUR).await;
    let certificate = certificate();
    let presented = Some(certificate.fingerprint);
    let wrong = hmac_proof(b"another key", b"body");
    let refused = store.join_cluster(&request("a", &certificate), &wrong, presented, &origin()).await;
    assert!(matches!(refused, Err(JoinError::NoSuchToken)), "{refused:?}");
    let right = hmac_proof(secret().expose(), b"body");
    store.join_cluster(&request("a", &certificate), &right, presented, &origin()).await.unwrap();
}

#[tokio::test]
async fn refused_join_leaves_the_token_unused() {
    let store = migrated_store().await.unwrap();
    let (mine, other) = (certificate(), certificate());
    let presented = Some(mine.fingerprint);
    token_for(&store, "a", Duration::HOUR).await;
    let join = async |name, proof_name, presented| {
        store.join_cluster(&request(name, &mine), &token_proof(proof_name), presented, &origin()).await
    };
    assert!(matches!(join("a", "b", presented).await, Err(JoinError::NoSuchToken)));
    assert!(matches!(join("b", "b", presented).await, Err(JoinError::NoSuchToken)));
    assert!(matches!(join("a", "a", None).await, Err(JoinError::CertificateNotPresented)));
    assert!(matches!(join("a", "a", Some(other.fingerprint)).await, Err(JoinError::CertificateNotPresented)));
    join("a", "a", presented).await.unwrap();
    token_for(&store, "b", Duration::HOUR).await;
    assert!(
        matches!(join("b", "b", presented).await, Err(JoinError::CertificateTaken(owner)) if owner == "a")
    );
    assert_eq!(store.join_tokens().await.unwrap().len(), 1);
}

#[tokio::test]
async fn join_with_expired_token_is_refused_as_expired() {
    let store = migrated_store().await.unwrap();
    token_for(&store, "a", -Duration::SECOND).await;
    let certificate = certificate();
    let late = store.join_cluster(&request("a", &certificate), &token_proof("a"), None, &origin()).await;
    assert!(matches!(late, Err(JoinError::Expired)), "{late:?}");
    let wrong = hmac_proof(b"another key", b"body");
    let refused = store.join_cluster(&request("a", &certificate), &wrong, None, &origin()).await;
    assert!(
        matches!(refused, Err(JoinError::NoSuchToken)),
        "without the token the response reveals nothing: {refused:?}"
    );
}

#[tokio::test]
async fn concurrent_joins_with_one_token_enrol_one_cluster() {
    let store = migrated_store().await.unwrap();
    token_for(&store, "a", Duration::HOUR).await;
    let joins = (0..50).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let certificate = certificate();
            let presented = Some(certificate.fingerprint);
            store.join_cluster(&request("a", &certificate), &token_proof("a"), presented, &origin()).await
        })
    });
    let mut joined = 0;
    for join in joins.collect::<Vec<_>>() {
        match join.await.unwrap() {
            Ok(_) => joined += 1,
            Err(error) => assert!(matches!(error, JoinError::NoSuchToken), "{error:?}"),
        }
    }
    assert_eq!((joined, store.clusters().await.unwrap().1.len()), (1, 1));
}

#[tokio::test]
async fn token_for_a_taken_name_is_refused() {
    let store = migrated_store().await.unwrap();
    let token = token_for(&store, "unused", Duration::HOUR).await;
    let again = store.put_join_token(&token, &secret(), &origin()).await;
    assert!(matches!(again, Err(CreateTokenError::TokenExists(_))), "{again:?}");
    let token = token_for(&store, "enrolled", Duration::HOUR).await;
    store.revoke_join_token("enrolled", &origin()).await.unwrap();
    enrol(&store, "enrolled").await;
    let again = store.put_join_token(&token, &secret(), &origin()).await;
    assert!(matches!(again, Err(CreateTokenError::ClusterExists(_))), "{again:?}");
    token_for(&store, "expired", -Duration::SECOND).await;
    token_for(&store, "expired", Duration::HOUR).await;
}

#[tokio::test]
async fn removal_and_departure_notify_other_units_and_happen_once() {
    let store = migrated_store().await.unwrap();
    let mut changes = store.listen().await.unwrap();
    enrol(&store, "a").await;
    let uid = store.cluster("a").await.unwrap().unwrap().uid;
    assert_eq!(changes.next().await, Some(Change::Joined(uid)));
    assert!(store.leave(uid, &origin()).await.unwrap());
    assert!(!store.leave(uid, &origin()).await.unwrap());
    assert_eq!(changes.next().await, Some(Change::Removed(uid)));
    enrol(&store, "a").await;
    let again = store.cluster("a").await.unwrap().unwrap().uid;
    assert_ne!(again, uid);
    assert_eq!(changes.next().await, Some(Change::Joined(again)));
    assert!(store.remove_cluster("a", &origin()).await.unwrap());
    assert!(!store.remove_cluster("a", &origin()).await.unwrap());
    assert_eq!(changes.next().await, Some(Change::Removed(again)));
}
