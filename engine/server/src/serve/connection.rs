//! One connection, from its handshake to its last answer.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Version, header},
    response::Response,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};
use tower::ServiceExt as _;

use super::unread::Unread;
use crate::{config::ServerConfig, operations::Operations};

/// Requests at once on a connection of HTTP/2; RFC 9113 advises no fewer.
const STREAMS: u32 = 100;
/// Bytes that are read ahead on a connection of HTTP/1.1: the largest head of a request.
const READ_AHEAD: usize = 64 << 10;
/// How often a quiet connection of HTTP/2 is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);
/// How long an answer that is still on its way keeps a connection that is to be closed.
const LAST_ANSWER: Duration = Duration::from_secs(120);
/// Seconds that browsers remember to come back by https alone: a year.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What all connections have in common.
#[derive(Debug)]
pub(super) struct Connections {
    builder: auto::Builder<TokioExecutor>,
    router: Router,
    operations: Arc<Operations>,
    /// For the handshake, and for the head of the first request after it.
    first: Duration,
    /// For each request after that.
    next: Duration,
    strict_transport: bool,
}

impl Connections {
    pub(super) fn new(
        router: Router,
        operations: Arc<Operations>,
        config: &ServerConfig,
        encrypted: bool,
    ) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        // No time-out for headers: hyper's also ends connections between two requests, after a time that
        // is too short for those of load balancers, and it doesn't begin before the first byte.
        builder.http1().max_buf_size(READ_AHEAD);
        // Floods of resets are bounded by h2's own limits.
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).keep_alive_interval(Some(PING)).max_concurrent_streams(STREAMS);
        Self {
            builder,
            router,
            operations,
            first: Duration::from_millis(config.header_timeout_ms),
            next: Duration::from_millis(config.keep_alive_timeout_ms),
            strict_transport: encrypted || config.behind_tls,
        }
    }

    /// Looks after a connection until it is closed. When `leaving` changes, what is being answered is
    /// still answered, and nothing else; when its sender is gone, nothing at all.
    pub(super) async fn attend(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        mut leaving: watch::Receiver<()>,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY can't be set");
        }
        let Some(tls) = tls else { return self.converse(stream, peer, leaving).await };
        let shaken = tokio::select! {
            shaken = self.shake_hands(stream, tls) => shaken,
            // Nothing has been asked yet that could be answered.
            _ = leaving.changed() => None,
        };
        if let Some(stream) = shaken {
            self.converse(stream, peer, leaving).await;
        }
    }

    async fn shake_hands(
        &self,
        stream: TcpStream,
        tls: Arc<rustls::ServerConfig>,
    ) -> Option<TlsStream<TcpStream>> {
        match timeout(self.first, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
        None
    }

    async fn converse<I>(&self, io: I, peer: SocketAddr, mut leaving: watch::Receiver<()>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        let (asked, router, operations) = (activity.clone(), self.router.clone(), self.operations.clone());
        let strict = self.strict_transport;
        let service = tower::service_fn(move |mut request: Request<_>| {
            let asking = Asking::new(asked.clone());
            let version = request.version();
            request.extensions_mut().insert(ConnectInfo(peer));
            let request = request.map(Unread::new);
            let (answer, operations) = (router.clone().oneshot(request), operations.clone());
            async move {
                let mut response = answer.await?;
                drop(asking);
                mark(&mut response, version, strict, operations.is_draining());
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let service = TowerToHyperService::new(service);
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(io), service));
        let mut look = pin!(sleep_until(Instant::now() + self.first));
        let mut closing = false;
        loop {
            tokio::select! {
                // What has come is looked at before it is said that nothing came.
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                told = leaving.changed() => {
                    if told.is_err() {
                        // The grace time is over.
                        return;
                    }
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    if activity.quiet() != Quiet::NeverAsked {
                        look.as_mut().reset(Instant::now() + LAST_ANSWER);
                    }
                }
                () = look.as_mut() => match activity.quiet() {
                    Quiet::Answering if closing => look.as_mut().reset(Instant::now() + LAST_ANSWER),
                    Quiet::Answering => look.as_mut().reset(Instant::now() + self.next),
                    Quiet::Since(since) if !closing && since.elapsed() < self.next => {
                        look.as_mut().reset(since + self.next);
                    }
                    Quiet::Since(_) if !closing => {
                        closing = true;
                        connection.as_mut().graceful_shutdown();
                        look.as_mut().reset(Instant::now() + LAST_ANSWER);
                    }
                    Quiet::NeverAsked | Quiet::Since(_) => {
                        tracing::debug!("a connection was cut off: nothing came of it");
                        return;
                    }
                },
            }
        }
    }
}

/// What the connection has to say on an answer. While the server still takes requests before it leaves,
/// clients that keep a connection of HTTP/1.1 are asked to let go of it, so that none asks on it at the
/// moment it is closed.
fn mark(response: &mut Response, version: Version, strict_transport: bool, draining: bool) {
    let headers = response.headers_mut();
    if strict_transport {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(STRICT_TRANSPORT);
    }
    if draining && version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Whether anything is asked on a connection.
#[derive(Debug)]
struct Activity(Mutex<Asked>);

#[derive(Debug)]
struct Asked {
    answering: usize,
    /// When the last answer began; nothing before the first request.
    rested: Option<Instant>,
}

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    /// No request has come yet.
    NeverAsked,
    /// Requests are being answered.
    Answering,
    /// All requests have their answers since then.
    Since(Instant),
}

impl Activity {
    fn new() -> Self {
        Self(Mutex::new(Asked { answering: 0, rested: None }))
    }

    fn quiet(&self) -> Quiet {
        let asked = self.lock();
        match (asked.answering, asked.rested) {
            (0, None) => Quiet::NeverAsked,
            (0, Some(since)) => Quiet::Since(since),
            _ => Quiet::Answering,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
#[derive(Debug)]
struct Asking(Arc<Activity>);

impl Asking {
    fn new(activity: Arc<Activity>) -> Self {
        activity.lock().answering += 1;
        Self(activity)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut asked = self.0.lock();
        asked.answering -= 1;
        asked.rested = Some(Instant::now());
    }
}
