//! TLS as `openssl` sees it from outside: what is spoken, what is refused, and what becomes of
//! certificates that are replaced.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// An engine that speaks TLS, on a database without a store. It is killed when dropped.
struct Engine {
    child: Child,
    log: BufReader<ChildStdout>,
    address: String,
    folder: TempDir,
}

impl Engine {
    /// With a certificate for a key of this kind; nothing where there is no `openssl`, which is said,
    /// and which is a failure where `MARTLET_TEST_REQUIRE` asks for it.
    fn start(kind: &[&str]) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            let required = std::env::var("MARTLET_TEST_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|means| matches!(means.trim(), "openssl" | "all")),
                "there is no openssl"
            );
            eprintln!("SKIPPED: there is no openssl");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        issue(folder.path(), kind);
        let mut child = martlet(folder.path())
            .args(["serve", "--migrate"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the engine starts");
        let log = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut engine = Self { child, log, address: String::new(), folder };
        let listening = engine.logs("listening");
        listening["address"].as_str().expect("an address").clone_into(&mut engine.address);
        Some(engine)
    }

    /// The next line of its log that says this.
    fn logs(&mut self, words: &str) -> Value {
        let mut line = String::new();
        while self.log.read_line(&mut line).expect("its log can be read") > 0 {
            let event: Value = serde_json::from_str(&line).expect("a log line is JSON");
            if event["message"].as_str().is_some_and(|message| message.contains(words)) {
                return event;
            }
            line.clear();
        }
        panic!("the engine ended and never said: {words}");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "the signal was sent");
    }

    /// What a client meets that is set up in this way, and that asks this.
    fn connect(&self, arguments: &[&str], asks: &str) -> Output {
        let mut client = Command::new("openssl")
            .args(["s_client", "-connect", &self.address, "-servername", "localhost"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        // A client whose handshake has failed doesn't read.
        drop(client.stdin.take().expect("its input is piped").write_all(asks.as_bytes()));
        client.wait_with_output().expect("openssl ends")
    }

    /// Whether a client that is set up in this way gets through its handshake.
    fn speaks(&self, arguments: &[&str]) -> bool {
        self.connect(arguments, "").status.success()
    }

    /// Those of the suites with which a client gets through its handshake that knows no other.
    fn accepts<'a>(&self, version: &str, option: &str, suites: &[&'a str]) -> BTreeSet<&'a str> {
        let security = if option == "-cipher" { ":@SECLEVEL=0" } else { "" };
        let accepted = |suite: &&&str| self.speaks(&[version, option, &format!("{suite}{security}")]);
        suites.iter().filter(accepted).copied().collect()
    }

    /// The certificate that is shown, in PEM form.
    fn certificate(&self) -> String {
        let output = self.connect(&[], "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let begin = text.find("-----BEGIN CERTIFICATE-----").expect("a certificate");
        let end = "-----END CERTIFICATE-----";
        text[begin..text.find(end).expect("its end") + end.len()].to_owned()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended already.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

const ECDSA: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA: &[&str] = &["rsa:2048"];

/// Puts a new certificate and its key in the places of those before.
fn issue(folder: &Path, kind: &[&str]) {
    let place = |name: &str| folder.join(name).display().to_string();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-keyout", &place("key.next"), "-out", &place("certificate.next"), "-newkey"])
        .args(kind)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in ["certificate", "key"] {
        fs::rename(place(&format!("{name}.next")), place(&format!("{name}.pem"))).expect("they take place");
    }
}

/// The binary, with its database and its certificate in a folder. Only signals make it look at the files.
fn martlet(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .env_remove("MARTLET_CACHE")
        .env("DATABASE_URL", format!("sqlite:{}", folder.join("martlet.db").display()))
        .env("MARTLET_SERVER__ADDRESS", "127.0.0.1:0")
        .env("MARTLET_LOG__FORMAT", "json")
        .env("MARTLET_TLS__CERTIFICATE", folder.join("certificate.pem"))
        .env("MARTLET_TLS__KEY", folder.join("key.pem"))
        .env("MARTLET_TLS__RELOAD_INTERVAL_MS", "86400000")
        .stdin(Stdio::null());
    command
}

/// A test runs in `target/debug/deps`.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let binary = test.ancestors().nth(2).expect("a folder above").join("martlet");
    assert!(binary.is_file(), "{} isn't there: run `cargo build -p martlet`", binary.display());
    binary
}

/// The names of the suites that `openssl` knows.
fn known(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("openssl").arg("ciphers").args(arguments).output().expect("openssl runs");
    let text = String::from_utf8(output.stdout).expect("names");
    text.trim().split(':').map(str::to_owned).collect()
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    let Some(engine) = Engine::start(RSA) else { return };
    for version in ["-tls1", "-tls1_1"] {
        assert!(!engine.speaks(&[version, "-cipher", "ALL:@SECLEVEL=0"]), "{version}");
    }
    for version in ["-tls1_2", "-tls1_3"] {
        assert!(engine.speaks(&[version]), "{version}");
        let output = engine.connect(&[version, "-alpn", "http/1.1,h2"], "");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("ALPN protocol: h2"), "{text}");
        assert!(text.contains("Compression: NONE"), "{text}");
    }
}

#[test]
fn of_all_suites_only_those_with_forward_secrecy_and_authenticated_encryption_are_taken() {
    for (kind, name) in [(ECDSA, "ECDSA"), (RSA, "RSA")] {
        let Some(engine) = Engine::start(kind) else { return };
        let old = known(&["-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]);
        let old: Vec<_> = old.iter().map(String::as_str).filter(|suite| !suite.starts_with("TLS_")).collect();
        assert!(old.len() > 50, "{old:?}");
        let expected = ["AES256-GCM-SHA384", "AES128-GCM-SHA256", "CHACHA20-POLY1305"]
            .map(|rest| format!("ECDHE-{name}-{rest}"));
        let expected = expected.iter().map(String::as_str).collect();
        assert_eq!(engine.accepts("-tls1_2", "-cipher", &old), expected);
        let new = [
            "TLS_AES_256_GCM_SHA384",
            "TLS_AES_128_GCM_SHA256",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_CCM_SHA256",
            "TLS_AES_128_CCM_8_SHA256",
        ];
        let expected = new[..3].iter().copied().collect();
        assert_eq!(engine.accepts("-tls1_3", "-ciphersuites", &new), expected);
    }
}

#[test]
fn answers_over_tls_ask_browsers_to_stay_with_it() {
    let Some(engine) = Engine::start(ECDSA) else { return };
    let request = "GET /actuator/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let output = engine.connect(&["-quiet", "-alpn", "http/1.1"], request);
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for header in [
        "strict-transport-security: max-age=31536000",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(&format!("\r\n{header}\r\n")), "{answer}");
    }
}

#[test]
fn sighup_takes_a_sound_pair_and_leaves_a_broken_one() {
    let Some(mut engine) = Engine::start(ECDSA) else { return };
    let served = |engine: &Engine| {
        let file = fs::read_to_string(engine.folder.path().join("certificate.pem")).expect("a certificate");
        file.trim() == engine.certificate()
    };
    assert!(served(&engine));
    issue(engine.folder.path(), RSA);
    assert!(!served(&engine), "the files are looked at when they are to be");
    engine.signal("-HUP");
    engine.logs("a new TLS certificate is served");
    assert!(served(&engine));
    let shown = engine.certificate();
    let key = engine.folder.path().join("key.pem");
    fs::write(&key, "-----BEGIN PRIVATE KEY----- hunter2").expect("a key that is none");
    engine.signal("-HUP");
    let said = engine.logs("the TLS certificate stays the one it is").to_string();
    assert!(said.contains("key.pem") && !said.contains("hunter2"), "{said}");
    assert_eq!(engine.certificate(), shown);
}

#[test]
fn a_pair_that_can_not_be_used_is_said_before_anything_is_served() {
    let Some(engine) = Engine::start(ECDSA) else { return };
    fs::remove_file(engine.folder.path().join("key.pem")).expect("a key");
    for arguments in [&["serve"][..], &["config", "check"]] {
        let output = martlet(engine.folder.path()).args(arguments).output().expect("martlet starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && said.contains("key.pem can't be read"), "{said}");
    }
}

#[test]
fn it_leaves_in_time_whoever_is_connected() {
    let Some(mut engine) = Engine::start(ECDSA) else { return };
    // Connected, and silent.
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &engine.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    let mut said = BufReader::new(client.stderr.take().expect("its errors are piped"));
    let mut line = String::new();
    // What it says of the certificate, so the handshake is at its end.
    assert!(said.read_line(&mut line).expect("openssl's words") > 0);
    let asked = Instant::now();
    engine.signal("-TERM");
    let status = engine.child.wait().expect("the engine ends");
    assert!(status.success() && asked.elapsed() < Duration::from_secs(30), "{status} {:?}", asked.elapsed());
    drop(client.stdin.take());
    client.wait().expect("the client is hung up on");
}
