//! Certificates for `localhost`, in files, and clients that trust who issued them.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion, client::Resumption, crypto::ring,
        pki_types::CertificateDer,
    },
};

use crate::config::TlsConfig;

/// A certificate and its key, in files that are replaced now and then.
pub struct CertificateFiles {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl CertificateFiles {
    /// The first pair of a new issuer.
    pub fn create() -> Self {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test issuer");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
        let files =
            Self { issuer: issuer.expect("an issuer"), folder: tempfile::tempdir().expect("a folder") };
        files.renew();
        files
    }

    /// The files, as they are configured.
    pub fn config(&self) -> TlsConfig {
        let (certificate, key) = (self.path("certificate.pem"), self.path("key.pem"));
        TlsConfig { certificate, key, ..TlsConfig::default() }
    }

    /// Puts another pair in the place of the one before. It is the new certificate.
    pub fn renew(&self) -> CertificateDer<'static> {
        let (certificate, pem, key) = self.issue();
        self.put("certificate.pem", &pem);
        self.put("key.pem", &key);
        certificate
    }

    /// A new certificate, the same with its issuer in PEM form, and its key.
    pub fn issue(&self) -> (CertificateDer<'static>, String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let chain = format!("{}{}", certificate.pem(), self.issuer.pem());
        (certificate.der().clone(), chain, key.serialize_pem())
    }

    /// Puts a file in the place of the one before, at once.
    pub fn put(&self, name: &str, text: &str) {
        let next = self.path("next");
        fs::write(&next, text).expect("a file");
        fs::rename(next, self.path(name)).expect("the file takes its place");
    }

    /// A client that trusts the issuer and resumes nothing.
    pub fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a root");
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config.resumption = Resumption::disabled();
        TlsConnector::from(Arc::new(config))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
