//! Takes connections until it is told to stop, then lets those under way finish.

mod certificates;
mod connection;
#[cfg(test)]
mod tests;
mod unread;

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use self::connection::Connections;
use crate::{config::ServerConfig, operations::Operations};

pub use self::certificates::{CertificateError, Certificates, Reloaded};

/// How long what is left over may take to close once no request is answered any more.
pub const CLOSING: Duration = Duration::from_secs(5);
/// How long to wait after a connection couldn't be accepted, as when there are no more file
/// descriptors: they come back when others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often it is said that no more connections are taken.
const FULL_AGAIN: Duration = Duration::from_secs(60);

/// Where connections come from, and how they speak.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    certificates: Option<Arc<Certificates>>,
}

impl Listener {
    /// Speaks TLS, and nothing else, where there are certificates; else plain HTTP.
    pub fn new(tcp: TcpListener, certificates: Option<Arc<Certificates>>) -> Self {
        Self { tcp, certificates }
    }
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Self::new(tcp, None)
    }
}

/// Serves until `stop` is ready. Then readiness goes down; after the drain delay no connection is
/// accepted any more; those that are there have the grace time for the requests under way.
pub async fn serve(
    listener: impl Into<Listener>,
    router: Router,
    operations: Arc<Operations>,
    config: &ServerConfig,
    stop: impl Future<Output = ()>,
) {
    let Listener { tcp, certificates } = listener.into();
    let connections = Connections::new(router, operations.clone(), config, certificates.is_some());
    let connections = Arc::new(connections);
    let (leave, leaving) = watch::channel(());
    let mut room = Room::new(config.max_connections);
    let drained = async {
        stop.await;
        operations.drain();
        tracing::info!(delay_ms = config.drain_delay_ms, "leaving: not ready any more");
        tokio::time::sleep(Duration::from_millis(config.drain_delay_ms)).await;
    };
    tokio::pin!(drained);
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut drained => break,
            (accepted, place) = room.accept(&tcp) => match accepted {
                Ok((stream, peer)) => (stream, peer, place),
                Err(error) => {
                    pause(&error).await;
                    continue;
                }
            },
        };
        let tls = certificates.as_deref().map(Certificates::current);
        let (connections, leaving) = (connections.clone(), leaving.clone());
        // From the handshake on, so that nobody waits for a client that is slow at it.
        tokio::spawn(async move {
            connections.attend(stream, peer, tls, leaving).await;
            drop(place);
        });
    }
    drop((tcp, leaving));
    leave.send_replace(());
    let grace = Duration::from_millis(config.shutdown_grace_ms);
    match tokio::time::timeout(grace, leave.closed()).await {
        Ok(()) => tracing::info!("all requests are answered"),
        Err(_) => tracing::warn!(
            grace_ms = config.shutdown_grace_ms,
            "requests are cut off at the end of the grace time"
        ),
    }
}

/// Ready when the process is asked to end: SIGTERM, or SIGINT as from Ctrl-C.
pub async fn asked_to_end() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Places for connections.
#[derive(Debug)]
struct Room {
    places: Arc<Semaphore>,
    said: Option<Instant>,
}

impl Room {
    fn new(places: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(places as usize)), said: None }
    }

    /// The next connection and a place for it. Connections that there is no place for stay in the
    /// kernel's backlog.
    async fn accept(
        &mut self,
        tcp: &TcpListener,
    ) -> (io::Result<(TcpStream, SocketAddr)>, OwnedSemaphorePermit) {
        if self.places.available_permits() == 0 && self.said.is_none_or(|said| said.elapsed() > FULL_AGAIN) {
            self.said = Some(Instant::now());
            tracing::warn!("as many connections are open as server.max_connections allows; others wait");
        }
        let place = match self.places.clone().acquire_owned().await {
            Ok(place) => place,
            // It is never closed.
            Err(_) => std::future::pending().await,
        };
        (tcp.accept().await, place)
    }
}

async fn pause(error: &io::Error) {
    let gone = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !gone {
        tracing::error!(%error, "no connection can be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
