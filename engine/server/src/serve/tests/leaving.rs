use super::*;

#[tokio::test]
async fn a_request_under_way_is_answered_after_readiness_went_down() {
    let server = Running::plain(ServerConfig::default()).await;
    let mut client = server.connect().await;
    ask(&mut client, "/slow", "keep-alive").await;
    server.entered.notified().await;
    server.leave().await;
    server.release.notify_one();
    let answered = rest(&mut client).await;
    assert!(answered.starts_with("HTTP/1.1 200") && answered.ends_with("done"), "{answered}");
    assert!(answered.contains("\r\nconnection: close\r\n"), "{answered}");
    assert!(!answered.to_ascii_lowercase().contains("\r\nserver:"), "{answered}");
    let address = server.address;
    server.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_grace_time_ends() {
    let server = Running::plain(ServerConfig { shutdown_grace_ms: 10, ..ServerConfig::default() }).await;
    let mut client = server.connect().await;
    ask(&mut client, "/slow", "close").await;
    server.entered.notified().await;
    server.leave().await;
    server.ended().await;
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn in_the_drain_delay_requests_are_answered_and_clients_asked_to_let_go() {
    let config = ServerConfig { drain_delay_ms: 600_000, ..ServerConfig::default() };
    let server = Running::plain(config).await;
    let mut kept = server.connect().await;
    ask(&mut kept, "/", "keep-alive").await;
    assert!(!answer(&mut kept, "hello").await.contains("connection: close"));
    server.leave().await;
    ask(&mut kept, "/", "keep-alive").await;
    let answered = rest(&mut kept).await;
    assert!(answered.contains("\r\nconnection: close\r\n") && answered.ends_with("hello"), "{answered}");
    let mut late = server.connect().await;
    ask(&mut late, "/", "keep-alive").await;
    assert!(rest(&mut late).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_without_a_request_do_not_delay_the_end() {
    let server = Running::plain(ServerConfig::default()).await;
    let (mut silent, mut kept) = (server.connect().await, server.connect().await);
    ask(&mut kept, "/", "keep-alive").await;
    answer(&mut kept, "hello").await;
    server.leave().await;
    server.ended().await;
    assert_eq!((rest(&mut silent).await, rest(&mut kept).await), (String::new(), String::new()));
}
