//! `rediss://`: the server proves who it is.

use super::*;
use crate::testing::CertificateFiles;

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate() {
    let files = CertificateFiles::create();
    let (certificate, key) = (files.config().certificate, files.config().key);
    let port = crate::testing::free_port().to_string();
    let (certificate_name, key_name) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let arguments = ["--tls-port", &port, "--tls-cert-file", certificate_name, "--tls-key-file", key_name];
    let arguments = [&arguments[..], &["--tls-auth-clients", "no"]].concat();
    let Some(server) = TestRedis::start_with(&arguments).await else { return };
    let with = |ca_certificate| {
        let url = Some(Secret::new(format!("rediss://localhost:{port}")));
        Redis::connect(&RedisConfig { url, ca_certificate, ..server.config() }).unwrap()
    };
    // The file holds the issuer too.
    let redis = with(certificate);
    assert_eq!(redis.ping().await, Ok(()));
    assert_eq!(redis.seed_coupon(STORE, COUPON, 1, None, NOW).await, Ok(true));
    let mut notices = redis.notices();
    notices.next().await;
    // The operating system doesn't know the issuer.
    let error = with(std::path::PathBuf::new()).ping().await.unwrap_err();
    assert!(matches!(&error, Unavailable::Failed(words) if words.contains("certificate")), "{error}");
    // And a certificate is for a name.
    let url = Some(Secret::new(format!("rediss://127.0.0.1:{port}")));
    let ca_certificate = files.config().certificate;
    let elsewhere = Redis::connect(&RedisConfig { url, ca_certificate, ..server.config() }).unwrap();
    let error = elsewhere.ping().await.unwrap_err();
    assert!(matches!(&error, Unavailable::Failed(words) if words.contains("certificate")), "{error}");
}
