//! The certificate that the server shows, and its replacement while it serves.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

use crate::config::TlsConfig;

/// HTTP/2 before HTTP/1.1, as named in RFC 7301's registry.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a pair of certificate and key can't be used. The words never quote the files.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read.
    #[error("{file} can't be read: {source}")]
    Unreadable {
        /// Its path.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in its file, or something that isn't one.
    #[error("{file} must hold a chain of certificates in PEM form")]
    NoCertificate {
        /// Its path.
        file: String,
    },
    /// There is no key in its file.
    #[error("{file} must hold a private key in PEM form that is not encrypted")]
    NoKey {
        /// Its path.
        file: String,
    },
    /// They don't belong together, or are of a kind that isn't known.
    #[error("{certificate} and {key} can't be used together: {source}")]
    Refused {
        /// Path of the certificate.
        certificate: String,
        /// Path of the key.
        key: String,
        /// Why.
        source: rustls::Error,
    },
}

/// What became of a look at the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// They are what is served already.
    Unchanged,
    /// Whoever connects from now on meets the new pair.
    Replaced,
}

/// A certificate and its key, which follow their files.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Pair>,
}

#[derive(Clone)]
struct Pair {
    files: Arc<Files>,
    config: Arc<ServerConfig>,
}

#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    /// The configured ones; nothing for plain HTTP.
    pub async fn configured(config: &TlsConfig) -> Result<Option<Arc<Self>>, CertificateError> {
        let Some((certificate, key)) = config.files() else { return Ok(None) };
        Ok(Some(Arc::new(Self::load(certificate, key).await?)))
    }

    /// Those of two PEM files.
    pub async fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let pair = Pair::new(certificate, key, read(certificate, key).await?)?;
        Ok(Self { certificate: certificate.into(), key: key.into(), current: RwLock::new(pair) })
    }

    /// How connections that begin now speak TLS.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.pair().config
    }

    /// Looks at the files. What can't be used leaves everything as it is.
    pub async fn reload(&self) -> Result<Reloaded, CertificateError> {
        // Contents, since a time of change may stay behind in a copy or a mounted secret.
        let files = read(&self.certificate, &self.key).await?;
        if files == *self.pair().files {
            return Ok(Reloaded::Unchanged);
        }
        let pair = Pair::new(&self.certificate, &self.key, files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(Reloaded::Replaced)
    }

    /// Follows the files for good: looks at them in an interval, and whenever SIGHUP asks for it.
    pub async fn follow(&self, interval: Duration) {
        let mut hangups = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::error!(%error, "SIGHUP can't be waited for"))
            .ok();
        let mut complaint = String::new();
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(interval) => false,
                () = hangup(&mut hangups) => true,
            };
            let found = self.reload().await;
            let words = found.as_ref().err().map(ToString::to_string).unwrap_or_default();
            match found {
                Ok(Reloaded::Replaced) => tracing::info!("a new TLS certificate is served"),
                Ok(Reloaded::Unchanged) if asked => tracing::info!("the TLS certificate has not changed"),
                Ok(Reloaded::Unchanged) => {}
                // What stays wrong is said once.
                Err(_) if !asked && words == complaint => {}
                Err(error) => tracing::error!(%error, "the TLS certificate stays the one it is"),
            }
            complaint = words;
        }
    }

    fn pair(&self) -> Pair {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Pair {
    fn new(certificate: &Path, key: &Path, files: Files) -> Result<Self, CertificateError> {
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&files.certificate)
            .collect::<Result<_, _>>()
            .ok()
            .filter(|chain: &Vec<_>| !chain.is_empty())
            .ok_or_else(|| CertificateError::NoCertificate { file: certificate.clone() })?;
        let secret = PrivateKeyDer::from_pem_slice(&files.key)
            .map_err(|_| CertificateError::NoKey { file: key.clone() })?;
        let config =
            config(chain, secret).map_err(|source| CertificateError::Refused { certificate, key, source })?;
        Ok(Self { files: Arc::new(files), config: Arc::new(config) })
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair")
    }
}

/// TLS 1.2 and 1.3 with the suites of rustls, all of which have forward secrecy and authenticated
/// encryption. Each pair has tickets of its own: after a replacement nobody resumes what the old one
/// vouched for.
fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

async fn read(certificate: &Path, key: &Path) -> Result<Files, CertificateError> {
    let read = async |path: &Path| {
        let unreadable = |source| CertificateError::Unreadable { file: path.display().to_string(), source };
        tokio::fs::read(path).await.map_err(unreadable)
    };
    Ok(Files { certificate: read(certificate).await?, key: read(key).await? })
}

async fn hangup(signals: &mut Option<Signal>) {
    if let Some(signals) = signals
        && signals.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}
