use super::*;

/// Bytes that no buffer on the way holds.
const LARGE: usize = 8 << 20;

#[tokio::test]
async fn an_answer_arrives_although_the_body_was_never_read() {
    let server = Running::plain(ServerConfig::default()).await;
    let mut stream = server.connect().await;
    // Nothing takes a POST there, so it is answered before its body has come.
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {LARGE}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b'x'; 64 << 10];
    for _ in 0..LARGE / chunk.len() {
        stream.write_all(&chunk).await.expect("the connection holds while the body is sent");
    }
    let refused = answer(&mut stream, "\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 405"), "{refused}");
    // The connection is good for more.
    ask(&mut stream, "/", "close").await;
    assert!(rest(&mut stream).await.ends_with("hello"));
    server.leave().await;
    server.ended().await;
}

#[tokio::test]
async fn a_body_without_end_isnt_read_for_ever() {
    let server = Running::plain(ServerConfig::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = format!("{LARGE:x}\r\n{}\r\n", "x".repeat(LARGE)).into_bytes();
    let sending = async { while stream.write_all(&chunk).await.is_ok() {} };
    timeout(PATIENCE, sending).await.expect("the server hangs up");
    server.leave().await;
    server.ended().await;
}
