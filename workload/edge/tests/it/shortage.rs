//! A process without free file descriptors stops accepting connections for a while, and recovers.

use std::process::Command;

use tokio::net::TcpStream;

use crate::harness::{Options, TestServer, get};

#[test]
fn accept_loop_survives_a_lack_of_file_descriptors() {
    let inner = "ulimit -n 48 && exec \"$0\" --ignored --exact shortage::with_few_descriptors";
    let status =
        Command::new("sh").args(["-c", inner]).arg(std::env::current_exe().unwrap()).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
#[ignore = "runs in a separate process, which the test above starts"]
async fn with_few_descriptors() {
    let server = TestServer::start(Options::default()).await;
    let mut taken = Vec::new();
    // Each connection takes two descriptors, one here and one in the accept loop, until none are left.
    while let Ok(socket) = TcpStream::connect(server.address).await {
        taken.push(socket);
    }
    assert!(taken.len() > 3);
    drop(taken);
    server.wait_until_closed().await;
    assert_eq!(get(&mut server.connect().await, "/peer").await.status, 200);
}
