//! Limits over connections, by whom they come from.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use super::three_at_once;
use crate::{config::ServerConfig, router, serve, testing::TestApp};

/// Serves an app at an address of its own, until it is told to stop.
async fn serve(app: &TestApp) -> (SocketAddr, AbortHandle) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (router, operations) = (router::router(app.state.clone()), app.state.frame.operations.clone());
    let serving = tokio::spawn(async move {
        serve::serve(listener, router, operations, &ServerConfig::default(), std::future::pending()).await;
    });
    (address, serving.abort_handle())
}

/// The status of an answer over a connection of its own.
async fn status(server: SocketAddr, forwarded: &str) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let ask = format!(
        "GET /api/v1/products HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {forwarded}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn who_opened_the_connection_is_limited() {
    let app = TestApp::builder().limits(three_at_once()).build().await;
    let (server, serving) = serve(&app).await;
    let mut statuses = Vec::new();
    for client in ["203.0.113.1", "203.0.113.2", "127.0.0.2", "203.0.113.4", "203.0.113.5"] {
        statuses.push(status(server, client).await);
    }
    serving.abort();
    assert_eq!(statuses, ["200", "200", "200", "429", "429"]);
}

#[tokio::test]
async fn whoever_a_trusted_proxy_names_is_limited() {
    let app = TestApp::builder().limits(three_at_once()).trusted_proxies("127.0.0.1").build().await;
    let (server, serving) = serve(&app).await;
    let mut statuses = Vec::new();
    for client in ["203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2", "x, 203.0.113.1"] {
        statuses.push(status(server, client).await);
    }
    serving.abort();
    assert_eq!(statuses, ["200", "200", "200", "200", "429"]);
}
