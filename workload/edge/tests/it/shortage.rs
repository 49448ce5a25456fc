//! A process that runs out of file descriptors stops accepting for a while, and nothing worse.

use std::process::Command;

use tokio::net::TcpStream;

use crate::harness::{Options, TestServer, get};

#[test]
fn without_descriptors_the_loop_lives_on() {
    let inner = "ulimit -n 48 && exec \"$0\" --ignored --exact shortage::with_few_descriptors";
    let status =
        Command::new("sh").args(["-c", inner]).arg(std::env::current_exe().unwrap()).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
#[ignore = "needs a process of its own, which the test above starts"]
async fn with_few_descriptors() {
    let server = TestServer::start(Options::default()).await;
    let mut taken = Vec::new();
    // Each takes two: the client's here, the server's in the loop, until neither gets any.
    while let Ok(socket) = TcpStream::connect(server.address).await {
        taken.push(socket);
    }
    assert!(taken.len() > 3);
    drop(taken);
    server.deserted().await;
    assert_eq!(get(&mut server.connect().await, "/peer").await.status, 200);
}
