//! Takes connections until it is told to stop, then lets those under way finish.

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};

use crate::{config::ServerConfig, operations::Operations};

/// How long to wait after a connection couldn't be accepted, as when there are no more file
/// descriptors: they come back when others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is ready. Then readiness goes down; after the drain delay no connection is
/// accepted any more; those that are there have the grace time for the requests under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    operations: Arc<Operations>,
    config: &ServerConfig,
    stop: impl Future<Output = ()>,
) {
    let builder = connections(config);
    let graceful = GracefulShutdown::new();
    let drained = async {
        stop.await;
        operations.drain();
        tracing::info!(delay_ms = config.drain_delay_ms, "leaving: not ready any more");
        tokio::time::sleep(Duration::from_millis(config.drain_delay_ms)).await;
    };
    tokio::pin!(drained);
    loop {
        tokio::select! {
            () = &mut drained => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connect(&builder, &graceful, stream, router.clone()),
                Err(error) => pause(&error).await,
            },
        }
    }
    drop(listener);
    let grace = Duration::from_millis(config.shutdown_grace_ms);
    match tokio::time::timeout(grace, graceful.shutdown()).await {
        Ok(()) => tracing::info!("all requests are answered"),
        Err(_) => tracing::warn!(
            grace_ms = config.shutdown_grace_ms,
            "requests were cut off at the end of the grace time"
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

fn connections(config: &ServerConfig) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let headers = Duration::from_millis(config.header_timeout_ms);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(headers);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(20)));
    builder
}

fn connect(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    router: Router,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY can't be set");
    }
    let connection =
        builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
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

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::{Notify, oneshot},
    };

    use super::*;
    use crate::testing::TestApp;

    async fn ask(stream: &mut TcpStream, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_after_readiness_went_down() {
        let (arrived, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entered, released) = (arrived.clone(), leave.clone());
        let slow = async move || {
            entered.notify_one();
            released.notified().await;
            "done"
        };
        let app = TestApp::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let operations = app.state.operations.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().route("/slow", get(slow));
        let serving = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            serve(listener, router, operations, &ServerConfig::default(), stopped).await;
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        ask(&mut client, "/slow").await;
        arrived.notified().await;
        stop.send(()).unwrap();
        while !app.state.operations.is_draining() {
            tokio::task::yield_now().await;
        }
        leave.notify_one();
        let answered = answer(&mut client).await;
        assert!(answered.starts_with("HTTP/1.1 200") && answered.ends_with("done"), "{answered}");
        assert!(!answered.to_ascii_lowercase().contains("\r\nserver:"), "{answered}");
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn the_grace_time_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let arrived = Arc::new(Notify::new());
        let entered = arrived.clone();
        let never = async move || {
            entered.notify_one();
            std::future::pending::<&'static str>().await
        };
        let app = TestApp::new().await;
        let config = ServerConfig { shutdown_grace_ms: 10, ..ServerConfig::default() };
        let router = Router::new().route("/never", get(never));
        ask(&mut client, "/never").await;
        serve(listener, router, app.state.operations.clone(), &config, arrived.notified()).await;
        assert!(app.state.operations.is_draining());
    }
}
