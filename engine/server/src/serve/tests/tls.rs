use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ALL_VERSIONS, ProtocolVersion,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};

use super::{
    super::{CertificateError, Certificates, Reloaded},
    *,
};
use crate::testing::{CertificateFiles, TestApp, logged};

/// A server that speaks TLS with the certificate of these files.
async fn start(files: &CertificateFiles, config: ServerConfig) -> (Running, Arc<Certificates>) {
    let certificates = Certificates::configured(&files.config()).await.unwrap().expect("certificates");
    let shown = certificates.clone();
    let server = Running::start(config, |tcp| Listener::new(tcp, Some(shown))).await;
    (server, certificates)
}

impl Running {
    async fn shake_hands(&self, client: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let shaking = client.connect(name, TcpStream::connect(self.address).await?);
        timeout(PATIENCE, shaking).await.expect("an end of the handshake")
    }
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned()
}

#[tokio::test]
async fn http_2_and_1_1_are_spoken_over_tls_1_3_and_1_2() {
    let files = CertificateFiles::create();
    let (server, _) = start(&files, ServerConfig::default()).await;
    for (version, number) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        let both: [&[u8]; 2] = [b"http/1.1", b"h2"];
        let mut stream = server.shake_hands(&files.client(&[version], &both)).await.unwrap();
        let agreed = stream.get_ref().1;
        assert_eq!((agreed.protocol_version(), agreed.alpn_protocol()), (Some(number), Some(&b"h2"[..])));
        http2::greet(&mut stream).await;
        http2::get(&mut stream, 1, "/").await;
        http2::succeeds(&mut stream, 1).await;
        for offered in [&[b"http/1.1" as &[u8]][..], &[]] {
            let mut stream = server.shake_hands(&files.client(&[version], offered)).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), offered.first().copied());
            ask(&mut stream, "/", "close").await;
            let answered = rest(&mut stream).await;
            assert!(answered.starts_with("HTTP/1.1 200") && answered.ends_with("hello"), "{answered}");
            assert!(answered.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{answered}");
        }
    }
    let other = files.client(ALL_VERSIONS, &[b"spdy/3"]);
    let refused = server.shake_hands(&other).await.unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}

/// A hello of a client that knows one version and one suite, with the extensions that clients send.
fn hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let extensions = [
        // supported_groups: x25519, secp256r1; ec_point_formats: uncompressed
        &[0, 10, 0, 6, 0, 4, 0, 29, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        // signature_algorithms: ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256, rsa_pkcs1_sha256
        &[0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1],
    ]
    .concat();
    let mut body = version.to_vec();
    body.extend([7; 32]);
    // No session; one suite; no compression.
    body.extend([0, 0, 2, suite[0], suite[1], 1, 0, 0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

#[tokio::test]
async fn old_protocols_and_weak_suites_are_refused() {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    const HANDSHAKE_FAILURE: u8 = 40;
    const PROTOCOL_VERSION: u8 = 70;
    let files = CertificateFiles::create();
    let (server, _) = start(&files, ServerConfig::default()).await;
    let answer = async |hello: Vec<u8>| {
        let mut client = server.connect().await;
        client.write_all(&hello).await.unwrap();
        let mut record = [0; 7];
        timeout(PATIENCE, client.read_exact(&mut record)).await.expect("an answer").unwrap();
        record
    };
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, to see that nothing else is wrong with the hello.
    assert_eq!(answer(hello([3, 3], [0xc0, 0x2b])).await[0], 22);
    for (version, suite) in [([3, 0], [0xc0, 0x09]), ([3, 1], [0xc0, 0x09]), ([3, 2], [0xc0, 0x09])] {
        let [kind, .., level, alert] = answer(hello(version, suite)).await;
        assert_eq!([kind, level, alert], [ALERT, FATAL, PROTOCOL_VERSION], "{version:?}");
    }
    // AES-CBC with and without ephemeral keys, 3DES, RC4, no encryption, nobody's key, AES-CCM_8.
    let weak = [[0xc0, 0x09], [0xc0, 0x13], [0, 0x2f], [0, 0x9c], [0, 0x0a], [0, 5], [0, 2], [0xc0, 0x18]];
    for suite in weak.into_iter().chain([[0xc0, 0x06], [0xc0, 0xae]]) {
        let [kind, .., level, alert] = answer(hello([3, 3], suite)).await;
        assert_eq!([kind, level, alert], [ALERT, FATAL, HANDSHAKE_FAILURE], "{suite:x?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_certificates_are_replaced() {
    let files = CertificateFiles::create();
    let (server, certificates) = start(&files, ServerConfig::default()).await;
    let client = files.client(ALL_VERSIONS, &[b"http/1.1"]);
    let following = {
        let certificates = certificates.clone();
        tokio::spawn(async move { certificates.follow(Duration::from_millis(5)).await })
    };
    let (server, enough) = (Arc::new(server), Arc::new(AtomicBool::new(false)));
    let asked = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (server, client) = (server.clone(), client.clone());
            let (enough, asked) = (enough.clone(), asked.clone());
            tokio::spawn(async move {
                while !enough.load(Ordering::SeqCst) {
                    let mut stream = server.shake_hands(&client).await.unwrap();
                    ask(&mut stream, "/", "close").await;
                    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let next = files.renew();
        let before = asked.load(Ordering::SeqCst);
        let follows = async {
            while shown(&server.shake_hands(&client).await.unwrap()) != next {}
            // And under load again.
            while asked.load(Ordering::SeqCst) < before + 8 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, follows).await.expect("the new certificate is served");
        assert_eq!(shown(&server.shake_hands(&client).await.unwrap()), next);
    }
    enough.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("no request fails");
    }
    following.abort();
}

#[tokio::test]
async fn a_pair_that_can_not_be_used_changes_nothing() {
    let files = CertificateFiles::create();
    let first = files.renew();
    let (server, certificates) = start(&files, ServerConfig::default()).await;
    let client = files.client(ALL_VERSIONS, &[]);
    let (_, sound, key) = files.issue();
    let (_, other, _) = files.issue();
    let truncated = &sound[..sound.len() / 4];
    let no_key = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let (chain, secret) = ("must hold a chain of certificates", "must hold a private key");
    for (certificate, key, expected) in [
        (other.as_str(), key.as_str(), "can't be used together"),
        (truncated, &key, chain),
        ("", &key, chain),
        (&key, &sound, chain),
        (&sound, "", secret),
        (&sound, &no_key, secret),
        (&sound, "-----BEGIN PRIVATE KEY----- hunter2\n", secret),
    ] {
        files.put("certificate.pem", certificate);
        files.put("key.pem", key);
        let error = certificates.reload().await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        assert_eq!(shown(&server.shake_hands(&client).await.unwrap()), first);
    }
    fs::remove_file(files.config().key).unwrap();
    let error = certificates.reload().await.unwrap_err();
    assert!(matches!(error, CertificateError::Unreadable { .. }), "{error}");
    assert_eq!(shown(&server.shake_hands(&client).await.unwrap()), first);
    let next = files.renew();
    assert_eq!(certificates.reload().await.unwrap(), Reloaded::Replaced);
    assert_eq!(certificates.reload().await.unwrap(), Reloaded::Unchanged);
    assert_eq!(shown(&server.shake_hands(&client).await.unwrap()), next);
}

#[tokio::test]
async fn what_stays_wrong_is_said_once() {
    // Logs from here on.
    let _app = TestApp::new().await;
    let files = CertificateFiles::create();
    let (server, certificates) = start(&files, ServerConfig::default()).await;
    files.put("key.pem", "");
    let following = tokio::spawn(async move { certificates.follow(Duration::from_millis(1)).await });
    let path = files.config().key.display().to_string();
    let said = || logged().lines().filter(|line| line.contains(&path)).count();
    let waiting = async {
        while said() == 0 {
            tokio::task::yield_now().await;
        }
        // Looked at again and again until then.
        let next = files.renew();
        let client = files.client(ALL_VERSIONS, &[]);
        while shown(&server.shake_hands(&client).await.unwrap()) != next {}
    };
    timeout(PATIENCE, waiting).await.unwrap();
    following.abort();
    assert_eq!(said(), 1);
}

#[tokio::test]
async fn plain_http_is_hung_up_on_and_hurts_nobody() {
    let files = CertificateFiles::create();
    let (server, _) = start(&files, ServerConfig::default()).await;
    let client = files.client(ALL_VERSIONS, &[]);
    let mut other = server.shake_hands(&client).await.unwrap();
    let mut plain = server.connect().await;
    ask(&mut plain, "/", "close").await;
    let mut bytes = Vec::new();
    // With an alert, which is no HTTP.
    let ended = timeout(PATIENCE, plain.read_to_end(&mut bytes)).await.expect("it is closed");
    assert!(ended.is_err() || bytes.first() == Some(&21), "{bytes:?}");
    ask(&mut other, "/", "close").await;
    assert!(rest(&mut other).await.ends_with("hello"));
    assert!(server.shake_hands(&client).await.is_ok());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_holds_nobody_up() {
    let files = CertificateFiles::create();
    let (server, _) =
        start(&files, ServerConfig { header_timeout_ms: 1_500, ..ServerConfig::default() }).await;
    let mut stuck = Vec::new();
    for length in [0, 1, 5, 40] {
        let mut stream = server.connect().await;
        stream.write_all(&hello([3, 3], [0xc0, 0x2b])[..length]).await.unwrap();
        stuck.push(stream);
    }
    let client = files.client(ALL_VERSIONS, &[]);
    for _ in 0..10 {
        let mut stream = server.shake_hands(&client).await.unwrap();
        ask(&mut stream, "/", "close").await;
        assert!(rest(&mut stream).await.ends_with("hello"));
    }
    for mut stream in stuck {
        assert_eq!(rest(&mut stream).await, "");
    }
    // Who shakes hands and then says nothing is cut off as well.
    let mut silent = server.shake_hands(&client).await.unwrap();
    let mut bytes = Vec::new();
    let ended = timeout(PATIENCE, silent.read_to_end(&mut bytes)).await.expect("it is closed");
    assert!(bytes.is_empty(), "{ended:?} {bytes:?}");
}

#[tokio::test]
async fn leaving_lets_requests_over_tls_finish() {
    let files = CertificateFiles::create();
    let (server, _) = start(&files, ServerConfig::default()).await;
    let one = files.client(ALL_VERSIONS, &[b"http/1.1"]);
    let two = files.client(ALL_VERSIONS, &[b"h2"]);
    let (mut kept, mut asking) =
        (server.shake_hands(&one).await.unwrap(), server.shake_hands(&one).await.unwrap());
    ask(&mut kept, "/", "keep-alive").await;
    answer(&mut kept, "hello").await;
    let mut shaking = server.connect().await;
    shaking.write_all(&hello([3, 3], [0xc0, 0x2b])[..40]).await.unwrap();
    ask(&mut asking, "/slow", "keep-alive").await;
    server.entered.notified().await;
    let mut streams = server.shake_hands(&two).await.unwrap();
    http2::greet(&mut streams).await;
    http2::get(&mut streams, 1, "/slow").await;
    server.entered.notified().await;
    server.leave().await;
    // Closed with a goodbye of TLS, else this is an error.
    assert_eq!(rest(&mut kept).await, "");
    assert_eq!(rest(&mut shaking).await, "");
    assert!(!server.serving.is_finished());
    assert!(TcpStream::connect(server.address).await.is_err());
    server.release.notify_waiters();
    let answered = rest(&mut asking).await;
    assert!(answered.contains("\r\nconnection: close\r\n") && answered.ends_with("done"), "{answered}");
    http2::succeeds(&mut streams, 1).await;
    http2::until_closed(&mut streams).await;
    server.ended().await;
}
