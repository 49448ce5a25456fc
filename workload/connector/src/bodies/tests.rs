//! Lanes, shares and waits. With a paused clock, whatever waits for nothing else waits for its timeout.

use tokio::task::yield_now;

use super::*;

async fn body(length: usize) -> RequestBody {
    let request = warp::test::request().header("content-length", length).body(vec![b' '; length]);
    request.filter(&edge::body::incoming()).await.unwrap()
}

const LIMIT: usize = 64 << 20;
const MIB: usize = 1 << 20;

/// An account that has taken this much.
async fn account(of: &Bodies, bytes: usize) -> Account<'_> {
    let mut account = Account::new(of);
    account.admit(bytes).await.unwrap();
    account
}

#[tokio::test(start_paused = true)]
async fn small_bodies_do_not_wait_for_large_ones() {
    let bodies = Bodies::new();
    let _full = [account(&bodies, 32 * MIB).await, account(&bodies, 16 * MIB).await];
    let _overdrawn = account(&bodies, 1).await;
    let begun = Instant::now();
    let held = bodies.read(ClusterUid::new(), body(MIB).await, LIMIT).await.unwrap();
    assert_eq!((held.bytes.len(), held.is_large, begun.elapsed()), (MIB, false, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_with_the_body() {
    let bodies = Bodies::new();
    let cluster = ClusterUid::new();
    for _ in 0..200 {
        for body in [body(MIB).await, body(MIB + 1).await] {
            drop(bodies.read(cluster, body, LIMIT).await.unwrap());
        }
    }
    assert_eq!(bodies.small.available_permits(), SMALL_LANE_BYTES);
    assert_eq!(bodies.large.available_permits(), LARGE_LANE_BYTES);
    assert!(bodies.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cluster_has_one_large_body_and_a_share_of_small_ones() {
    let bodies = Bodies::new();
    let (greedy, other) = (ClusterUid::new(), ClusterUid::new());
    let read = async |cluster, body| bodies.read(cluster, body, LIMIT).await;
    let large = read(greedy, body(MIB + 1).await).await.unwrap();
    assert!(large.is_large);
    let refused = |outcome| matches!(outcome, Err(Error::TooManyRequests { .. }));
    assert!(refused(read(greedy, body(MIB + 1).await).await));
    let _small = [read(greedy, body(MIB).await).await.unwrap(), read(greedy, body(MIB).await).await.unwrap()];
    assert!(refused(read(greedy, body(1).await).await));
    assert!(read(other, body(MIB + 1).await).await.is_ok() && read(other, body(MIB).await).await.is_ok());
    drop(large);
    assert!(read(greedy, body(MIB + 1).await).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn largest_body_that_stalls_leaves_memory_to_the_others() {
    let bodies = Bodies::new();
    let mut stalled = account(&bodies, LARGE_SHARE_BYTES).await;
    stalled.admit(1).await.unwrap();
    assert!(stalled.taken.overdraft.is_some(), "beyond its share it overdraws");
    let begun = Instant::now();
    let _others = [account(&bodies, 8 * MIB).await, account(&bodies, 8 * MIB).await];
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_wait_for_each_other_finish_one_after_the_other() {
    let bodies = Bodies::new();
    let mut accounts: Vec<Account<'_>> = Vec::new();
    for _ in 0..3 {
        accounts.push(account(&bodies, 16 * MIB).await);
    }
    assert_eq!(bodies.large.available_permits(), 0);
    let begun = Instant::now();
    // Each of them needs more and is dropped when it has it.
    let finish = accounts.into_iter().map(async |mut account| {
        account.admit(16 * MIB).await.unwrap();
        yield_now().await;
    });
    futures_util::future::join_all(finish).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(bodies.large.available_permits(), LARGE_LANE_BYTES);
}

#[tokio::test(start_paused = true)]
async fn body_without_memory_is_503_and_a_slow_one_408() {
    let bodies = Bodies::new();
    let _full = [account(&bodies, 32 * MIB).await, account(&bodies, 16 * MIB).await];
    let _overdrawn = account(&bodies, 1).await;
    let begun = Instant::now();
    let refused = bodies.read(ClusterUid::new(), body(2 * MIB).await, LIMIT).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })));
    assert_eq!(begun.elapsed(), MAX_WAIT);

    let bodies = Bodies::new();
    let mut slow = account(&bodies, 1).await;
    tokio::time::sleep(READ_TIMEOUT + Duration::from_millis(1)).await;
    assert!(matches!(slow.admit(1).await, Err(Error::RequestTimeout)));
}

#[tokio::test(start_paused = true)]
async fn body_above_the_limit_is_413_and_takes_nothing() {
    let bodies = Bodies::new();
    for body in [body(11).await, body(MIB + 1).await] {
        assert!(matches!(bodies.read(ClusterUid::new(), body, 10).await, Err(Error::TooLarge)));
    }
    assert!(bodies.lock().is_empty());
}
