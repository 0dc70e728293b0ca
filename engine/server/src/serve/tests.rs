mod http2;
mod leaving;
mod limits;
mod tls;
mod unread;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, routing::get};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};

use super::{Listener, serve};
use crate::{config::ServerConfig, operations::Operations, testing};

/// Longer than anything takes that isn't broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a port of its own.
struct Running {
    address: SocketAddr,
    operations: Arc<Operations>,
    stop: Arc<Notify>,
    serving: JoinHandle<()>,
    /// Notified when somebody asks for `/slow`.
    entered: Arc<Notify>,
    /// Lets `/slow` answer.
    release: Arc<Notify>,
}

impl Running {
    async fn plain(config: ServerConfig) -> Self {
        Self::start(config, Listener::from).await
    }

    async fn start(config: ServerConfig, listener: impl FnOnce(TcpListener) -> Listener) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let listener = listener(tcp);
        let operations = Arc::new(Operations::new(testing::NOW).unwrap());
        let (stop, entered, release) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (enters, released) = (entered.clone(), release.clone());
        let slow = async move || {
            enters.notify_one();
            released.notified().await;
            "done"
        };
        let peer = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
        let router = Router::new()
            .route("/", get(async || "hello"))
            .route("/peer", get(peer))
            .route("/slow", get(slow));
        let (shown, stopped) = (operations.clone(), stop.clone());
        let serving = tokio::spawn(async move {
            serve(listener, router, shown, &config, stopped.notified()).await;
        });
        Self { address, operations, stop, serving, entered, release }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Tells it to stop, until it says that it isn't ready any more.
    async fn leave(&self) {
        self.stop.notify_one();
        while !self.operations.is_draining() {
            tokio::task::yield_now().await;
        }
    }

    /// Until it has stopped, well before the usual grace time.
    async fn ended(self) {
        timeout(Duration::from_secs(10), self.serving).await.expect("it ends").unwrap();
    }
}

/// Sends a GET.
async fn ask(stream: &mut (impl AsyncWrite + Unpin), path: &str, connection: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: {connection}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// All that comes until the connection is closed.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("it is closed").unwrap();
    text
}

/// An answer whose body is this, on a connection that stays open.
async fn answer(stream: &mut (impl AsyncRead + Unpin), body: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(body.as_bytes()) {
        let read = timeout(PATIENCE, stream.read_buf(&mut text)).await.expect("an answer").unwrap();
        assert_ne!(read, 0, "closed after {}", String::from_utf8_lossy(&text));
    }
    String::from_utf8(text).unwrap()
}
