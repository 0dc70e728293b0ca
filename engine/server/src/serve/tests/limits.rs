use super::*;

/// Nothing comes for a while.
async fn silence(stream: &mut TcpStream) {
    let mut byte = [0];
    let waited = timeout(Duration::from_millis(200), stream.read(&mut byte)).await;
    assert!(waited.is_err(), "{waited:?} {byte:?}");
}

#[tokio::test]
async fn beyond_the_most_connections_others_wait_for_their_turn() {
    let server = Running::plain(ServerConfig { max_connections: 2, ..ServerConfig::default() }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for stream in [&mut first, &mut second] {
        ask(stream, "/", "keep-alive").await;
        answer(stream, "hello").await;
    }
    let mut third = server.connect().await;
    ask(&mut third, "/", "keep-alive").await;
    silence(&mut third).await;
    drop(first);
    assert!(answer(&mut third, "hello").await.starts_with("HTTP/1.1 200"));
    // Waiting for a place, the server still hears that it is to end.
    server.leave().await;
    server.ended().await;
}

#[tokio::test]
async fn whoever_never_asks_anything_is_cut_off() {
    let server = Running::plain(ServerConfig { header_timeout_ms: 100, ..ServerConfig::default() }).await;
    for begun in ["", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost: local", "POST / HTTP/1.1\r\n"] {
        let mut slow = server.connect().await;
        slow.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut slow).await, "", "{begun}");
    }
}

#[tokio::test]
async fn a_kept_connection_may_rest_longer_than_headers_may_take_but_not_for_good() {
    let config =
        ServerConfig { header_timeout_ms: 300, keep_alive_timeout_ms: 1_500, ..ServerConfig::default() };
    let server = Running::plain(config).await;
    let mut kept = server.connect().await;
    ask(&mut kept, "/", "keep-alive").await;
    answer(&mut kept, "hello").await;
    silence(&mut kept).await;
    silence(&mut kept).await;
    ask(&mut kept, "/", "keep-alive").await;
    answer(&mut kept, "hello").await;
    assert_eq!(rest(&mut kept).await, "");
}

#[tokio::test]
async fn an_answer_that_takes_its_time_is_not_quiet() {
    let config =
        ServerConfig { header_timeout_ms: 300, keep_alive_timeout_ms: 300, ..ServerConfig::default() };
    let server = Running::plain(config).await;
    let mut client = server.connect().await;
    ask(&mut client, "/slow", "keep-alive").await;
    server.entered.notified().await;
    silence(&mut client).await;
    silence(&mut client).await;
    server.release.notify_one();
    assert!(answer(&mut client, "done").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = Running::plain(ServerConfig::default()).await;
    let mut client = server.connect().await;
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-large: {}\r\n\r\n", "x".repeat(64 << 10));
    client.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    timeout(PATIENCE, client.read_exact(&mut status)).await.unwrap().unwrap();
    assert_eq!(&status, b"HTTP/1.1 431");
}

#[tokio::test]
async fn handlers_learn_who_connected() {
    let server = Running::plain(ServerConfig::default()).await;
    let mut client = server.connect().await;
    ask(&mut client, "/peer", "close").await;
    let own = client.local_addr().unwrap().to_string();
    assert!(rest(&mut client).await.ends_with(&own));
}

#[tokio::test]
async fn only_behind_tls_plain_answers_promise_it() {
    for (behind_tls, promised) in [(false, 0), (true, 1)] {
        let server = Running::plain(ServerConfig { behind_tls, ..ServerConfig::default() }).await;
        let mut client = server.connect().await;
        ask(&mut client, "/nothing", "close").await;
        let answered = rest(&mut client).await;
        let promises = answered.matches("\r\nstrict-transport-security: max-age=31536000\r\n").count();
        assert_eq!(promises, promised, "{answered}");
    }
}
