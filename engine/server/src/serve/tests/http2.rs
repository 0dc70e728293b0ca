//! HTTP/2 in as few bytes as it takes (RFC 9113, RFC 7541).

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;

/// A frame: its type, its flags, its stream, its payload.
#[derive(Debug, PartialEq)]
pub(super) struct Frame(pub(super) u8, u8, u32, pub(super) Vec<u8>);

/// Begins a connection with the client's empty settings, which are read with the server's.
pub(super) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Frame {
    stream.write_all(PREFACE).await.unwrap();
    send(stream, Frame(SETTINGS, 0, 0, Vec::new())).await;
    let Frame(kind, flags, id, payload) = next(stream).await.expect("settings");
    assert_eq!((kind, flags, id), (SETTINGS, 0, 0));
    Frame(kind, flags, id, payload)
}

/// Asks for `/slow` or `/` on a stream. Headers are fields of HPACK's static table but for the path.
pub(super) async fn get<S: AsyncWrite + Unpin>(stream: &mut S, id: u32, path: &str) {
    let mut fields = vec![0x82, 0x87, 0x01, 9];
    fields.extend(b"localhost");
    fields.extend([0x04, u8::try_from(path.len()).unwrap()]);
    fields.extend(path.as_bytes());
    // END_STREAM and END_HEADERS.
    send(stream, Frame(HEADERS, 0x05, id, fields)).await;
}

/// The next frame of a kind; nothing at the end of the connection.
pub(super) async fn next_of<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, kind: u8) -> Option<Frame> {
    const ACK: u8 = 1;
    loop {
        let frame = next(stream).await?;
        if frame.0 == kind {
            return Some(frame);
        }
        // Whoever says goodbye wants to know when it has arrived.
        if frame.0 == PING && frame.1 & ACK == 0 {
            send(stream, Frame(PING, ACK, 0, frame.3)).await;
        }
    }
}

/// Reads until the connection is closed.
pub(super) async fn until_closed<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    const NONE: u8 = 255;
    assert_eq!(next_of(stream, NONE).await, None);
}

/// The status line of HTTP/2 is the first field of an answer; 200 has a number of its own.
pub(super) async fn succeeds<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, id: u32) {
    let Frame(_, _, answered, fields) = next_of(stream, HEADERS).await.expect("an answer");
    assert_eq!((answered, fields[0]), (id, 0x88), "{fields:?}");
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, Frame(kind, flags, id, payload): Frame) {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(id.to_be_bytes());
    bytes.extend(payload);
    stream.write_all(&bytes).await.unwrap();
}

async fn next<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Frame> {
    let mut head = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("a frame").ok()?;
    let [a, b, c, kind, flags, id @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload).await.unwrap();
    Some(Frame(kind, flags, u32::from_be_bytes(id), payload))
}

/// A setting's value.
pub(super) fn setting(Frame(_, _, _, payload): &Frame, id: u8) -> Option<u32> {
    let known = payload.chunks_exact(6).find(|setting| setting[..2] == [0, id])?;
    Some(u32::from_be_bytes(known[2..].try_into().unwrap()))
}

#[tokio::test]
async fn streams_are_bounded_and_prior_knowledge_is_enough() {
    const MAX_CONCURRENT_STREAMS: u8 = 3;
    let server = Running::plain(ServerConfig::default()).await;
    let mut client = server.connect().await;
    let settings = greet(&mut client).await;
    assert_eq!(setting(&settings, MAX_CONCURRENT_STREAMS), Some(100));
    get(&mut client, 1, "/").await;
    succeeds(&mut client, 1).await;
}

#[tokio::test]
async fn leaving_says_goodbye_and_answers_what_was_asked() {
    let server = Running::plain(ServerConfig::default()).await;
    let mut client = server.connect().await;
    greet(&mut client).await;
    get(&mut client, 1, "/slow").await;
    server.entered.notified().await;
    server.leave().await;
    next_of(&mut client, GO_AWAY).await.expect("a goodbye");
    server.release.notify_one();
    succeeds(&mut client, 1).await;
    until_closed(&mut client).await;
    server.ended().await;
}

#[tokio::test]
async fn a_quiet_connection_is_told_to_go() {
    let config =
        ServerConfig { header_timeout_ms: 500, keep_alive_timeout_ms: 100, ..ServerConfig::default() };
    let server = Running::plain(config).await;
    let mut client = server.connect().await;
    greet(&mut client).await;
    get(&mut client, 1, "/").await;
    succeeds(&mut client, 1).await;
    next_of(&mut client, GO_AWAY).await.expect("a goodbye");
    until_closed(&mut client).await;
}
