//! A load balancer that passes TCP through: each connection goes to the next unit.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running load balancer; stops when dropped.
pub struct Balancer {
    /// Where it listens.
    pub address: SocketAddr,
    served: Arc<Mutex<Vec<SocketAddr>>>,
    running: JoinHandle<()>,
}

impl Balancer {
    /// Starts a load balancer that passes connections to these units in turn.
    pub async fn start(units: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let served = Arc::new(Mutex::new(Vec::new()));
        let (next, log) = (AtomicUsize::new(0), served.clone());
        let running = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let unit = units[next.fetch_add(1, Ordering::Relaxed) % units.len()];
                log.lock().unwrap_or_else(PoisonError::into_inner).push(unit);
                tokio::spawn(async move {
                    if let Ok(mut unit) = TcpStream::connect(unit).await {
                        let _ = copy_bidirectional(&mut client, &mut unit).await;
                    }
                });
            }
        });
        Self { address, served, running }
    }

    /// Which unit served each connection so far.
    pub fn served(&self) -> Vec<SocketAddr> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.running.abort();
    }
}
