//! Attacks by a stranger at one address.

use std::io;
use std::time::Duration;

use agent::client::Keys;
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::time::sleep;

use super::enrolled::drip;
use crate::attacks::attacker::Attacker;
use crate::attacks::frames;
use crate::attacks::wire::{Body, Door, discard};

/// More than a server accepts in all.
const ALL_CONNECTIONS: usize = 17_000;
/// The files that the attacker's process needs for other things, honest readers among them.
const OTHER_FILES: u64 = 500;
/// Before a connection that was closed is opened again.
const PAUSE: Duration = Duration::from_millis(200);
const DESCRIPTION: &str = "/1.0/openapi.json";
const JOIN: &str = "POST /1.0/remote-cluster HTTP/1.1\r\nHost: localhost";

/// 45 connections with a closed window, each with 100 requests for a large response, kept by pings.
pub(crate) async fn closed_windows(attacker: &Attacker) {
    let door = attacker.management_http2();
    let hold = move |_| {
        let door = door.clone();
        async move {
            let requests: Vec<u8> = (0..100).flat_map(|n| frames::get(2 * n + 1, DESCRIPTION, &[])).collect();
            let start = [frames::begin_with_closed_window(), requests].concat();
            keep(&door, &start, &frames::ping(), Duration::from_secs(1)).await
        }
    };
    attacker.in_parallel(45, PAUSE, hold).await;
}

/// As many connections as it gets, on which it says nothing.
pub(crate) async fn silent_connections(attacker: &Attacker) {
    let door = attacker.connector();
    let hold = move |number| silent(door.clone(), number);
    attacker.in_parallel(all_connections(), PAUSE, hold).await;
}

/// The same on the status port, which has fewer.
pub(crate) async fn idle_status_port(attacker: &Attacker) {
    let door = attacker.status();
    let hold = move |number| silent(door.clone(), number / 10);
    attacker.in_parallel(200, PAUSE, hold).await;
}

/// As many connections as it gets, after the handshake, kept by pings.
pub(crate) async fn kept_connections(attacker: &Attacker) {
    let door = attacker.management_http2();
    let hold = move |number| {
        let door = door.clone();
        async move {
            in_turn(number).await;
            keep(&door, &frames::begin(), &frames::ping(), Duration::from_secs(5)).await
        }
    };
    attacker.in_parallel(all_connections(), PAUSE, hold).await;
}

/// As many connections as it gets, after the handshake, without a request.
pub(crate) async fn idle_after_the_handshake(attacker: &Attacker) {
    let door = attacker.connector();
    let hold = move |number| {
        let door = door.clone();
        async move {
            in_turn(number).await;
            let mut stream = door.tls().await?;
            let _held = door.tally().hold();
            discard(&mut stream).await;
            Ok(())
        }
    };
    attacker.in_parallel(all_connections(), PAUSE, hold).await;
}

/// As many connections as it gets, each with a chain of certificates as long as TLS allows, without a request.
pub(crate) async fn huge_certificates(attacker: &Attacker) {
    let keys = Keys::generate("stranger").unwrap();
    let certificate = keys.certificate().clone();
    let chain = vec![certificate.clone(); 60_000 / (certificate.len() + 5)];
    let door = attacker.connector_as(&keys.sign_for(chain));
    let hold = move |number| {
        let door = door.clone();
        async move {
            in_turn(number).await;
            let mut stream = door.tls().await?;
            let _held = door.tally().hold();
            discard(&mut stream).await;
            Ok(())
        }
    };
    attacker.in_parallel(all_connections(), PAUSE, hold).await;
}

/// Requests with as many headers as are allowed, and with more.
pub(crate) async fn header_floods(attacker: &Attacker) {
    let doors = [attacker.connector(), attacker.management()];
    let send = move |number: usize| {
        let door = doors[number % 2].clone();
        let headers = if number % 4 < 2 { "a: b\r\n".repeat(90) } else { "abc: def\r\n".repeat(6000) };
        async move {
            door.request(
                &format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}", headers.trim_end()),
                None,
            )
            .await
        }
    };
    attacker.in_parallel(40, PAUSE, send).await;
}

/// Requests with a cookie of nearly 64 KiB.
pub(crate) async fn huge_cookies(attacker: &Attacker) {
    let door = attacker.management();
    let cookies = format!("Cookie: {}", "session=abcdefgh; ".repeat(3500));
    let send = move |_| {
        let (door, cookies) = (door.clone(), cookies.clone());
        async move {
            door.request(
                &format!("GET /1.0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{cookies}"),
                None,
            )
            .await
        }
    };
    attacker.in_parallel(40, PAUSE, send).await;
}

/// Paths and methods that do not exist, as fast as possible.
pub(crate) async fn unknown_paths(attacker: &Attacker) {
    let door = attacker.connector();
    let send = move |number: usize| {
        let door = door.clone();
        let method = ["GET", "PUT", "BREW", "OPTIONS"][number % 4];
        async move { door.request(&format!("{method} /nowhere/{number} HTTP/1.1\r\nHost: localhost"), None).await }
    };
    attacker.in_parallel(16, Duration::ZERO, send).await;
}

/// Joins with tokens that were never made, in bodies as large as they may be.
pub(crate) async fn joins_with_bad_tokens(attacker: &Attacker) {
    let door = attacker.connector();
    let body =
        Body::of(r#"{"cluster_name":"a","cluster_certificate":"","token":""#, "QUFB", r#""}"#, 60 * 1024);
    let send = move |_| {
        let (door, body) = (door.clone(), body.clone());
        async move { door.request(JOIN, Some(&body)).await }
    };
    attacker.in_parallel(32, Duration::ZERO, send).await;
}

/// Joins whose bodies come in drops.
pub(crate) async fn slow_joins(attacker: &Attacker) {
    let door = attacker.connector();
    let send = move |_| drip(door.clone(), format!("{JOIN}\r\nContent-Length: 65000\r\n\r\n{{"));
    attacker.in_parallel(2000, PAUSE, send).await;
}

/// Requests for a large response, one after the other on each connection, of which nothing is read.
pub(crate) async fn unread_responses(attacker: &Attacker) {
    let door = attacker.management();
    let hold = move |_| {
        let door = door.clone();
        async move {
            let request = format!("GET {DESCRIPTION} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let mut stream = door.tls().await?;
            let _held = door.tally().hold();
            door.write(&mut stream, request.repeat(200).as_bytes()).await?;
            stream.flush().await?;
            sleep(Duration::from_secs(60)).await;
            Ok(())
        }
    };
    attacker.in_parallel(200, PAUSE, hold).await;
}

/// Requests that are taken back at once.
pub(crate) async fn rapid_reset(attacker: &Attacker) {
    let door = attacker.management_http2();
    let send = move |_| {
        let door = door.clone();
        async move {
            pour(&door, &frames::begin(), move |round| {
                let streams = (0..100).map(|n| 2 * (100 * round + n) + 1);
                streams
                    .flat_map(|id| [frames::get(id, DESCRIPTION, &[]), frames::reset(id)].concat())
                    .collect()
            })
            .await
        }
    };
    attacker.in_parallel(8, PAUSE, send).await;
}

/// Headers that go on in one frame after the other.
pub(crate) async fn endless_headers(attacker: &Attacker) {
    let door = attacker.management_http2();
    let value = "x".repeat(15_000);
    let send = move |_| {
        let (door, value) = (door.clone(), value.clone());
        async move {
            let start = [frames::begin(), frames::unfinished_get(1, "/")].concat();
            pour(&door, &start, move |_| frames::continuation(1, &[("a", &value)])).await
        }
    };
    attacker.in_parallel(40, PAUSE, send).await;
}

/// Pings and settings, whose acknowledgements are not read.
pub(crate) async fn unread_acknowledgements(attacker: &Attacker) {
    let door = attacker.management_http2();
    let send = move |_| {
        let door = door.clone();
        async move {
            let many = [frames::ping(), frames::settings()].concat().repeat(500);
            let mut stream = door.tls().await?;
            let _held = door.tally().hold();
            door.write(&mut stream, &frames::begin()).await?;
            loop {
                door.write(&mut stream, &many).await?;
            }
        }
    };
    attacker.in_parallel(20, PAUSE, send).await;
}

/// As many connections as this process may have.
fn all_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    ALL_CONNECTIONS.min(usize::try_from(files).unwrap_or(usize::MAX))
}

/// Connects and says nothing until the other side closes.
async fn silent(door: Door, number: usize) -> io::Result<()> {
    in_turn(number).await;
    let mut stream = door.tcp().await?;
    let _held = door.tally().hold();
    discard(&mut stream).await;
    Ok(())
}

/// Four thousand begin in a second, so that the kernel's queue of a listener does not overflow.
async fn in_turn(number: usize) {
    sleep(Duration::from_micros(250) * u32::try_from(number).unwrap_or_default()).await;
}

/// Opens a connection and keeps it, until the other side closes, by sending this now and then.
async fn keep(door: &Door, start: &[u8], again: &[u8], interval: Duration) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(door.tls().await?);
    let _held = door.tally().hold();
    door.write(&mut writer, start).await?;
    writer.flush().await?;
    let sending = async {
        loop {
            sleep(interval).await;
            door.write(&mut writer, again).await?;
            writer.flush().await?;
        }
    };
    until_closed(&mut reader, sending).await
}

/// Opens a connection and sends what is made for each round, as fast as possible, until the other side closes.
async fn pour(door: &Door, start: &[u8], make: impl Fn(u32) -> Vec<u8>) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(door.tls().await?);
    let _held = door.tally().hold();
    door.write(&mut writer, start).await?;
    let sending = async {
        for round in 0..100_000 {
            door.write(&mut writer, &make(round)).await?;
        }
        writer.flush().await
    };
    until_closed(&mut reader, sending).await
}

async fn until_closed(
    reader: &mut (impl AsyncRead + Unpin),
    sending: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    tokio::select! {
        sent = sending => sent,
        () = discard(reader) => Ok(()),
    }
}
