//! The built binary as a process of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// Signs access tokens on all engines of the tests, which they know too.
pub(crate) const SIGNING_KEY: (&str, [u8; 32]) = ("tests", [b'k'; 32]);

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// What an engine of this release is given beside what a test says. Limits are for tests of limits: all
/// requests come from one address here.
const OURS: [(&str, &str); 2] = [
    ("MARTLET_LIMITS__ENABLED", "false"),
    // 32 times `k`.
    ("MARTLET_AUTH__SIGNING_KEYS", "tests:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="),
];

/// An engine that serves the demo store from a database of its own. It is killed when dropped.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    /// What it logs, since it said where it listens. Behind a lock so that threads can share the engine.
    lines: Mutex<Receiver<String>>,
    pub(crate) base: String,
    settings: Settings,
    /// Shared with those beside it.
    folder: Arc<TempDir>,
}

/// What an engine is started with.
#[derive(Debug)]
pub struct EngineBuilder {
    database: Option<String>,
    plugins: PathBuf,
    environment: Vec<(String, String)>,
    binary: PathBuf,
    ours: &'static [(&'static str, &'static str)],
    /// Of the engine that has set up the database.
    folder: Option<Arc<TempDir>>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

#[derive(Debug, Clone)]
struct Settings {
    binary: PathBuf,
    database: String,
    environment: Vec<(String, String)>,
    ours: &'static [(&'static str, &'static str)],
}

impl Engine {
    /// An engine with the demo store and the plugins of `cargo xtask wasm`.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// An engine that is unlike the default.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            database: None,
            plugins: components_dir(),
            environment: Vec::new(),
            binary: binary("debug"),
            ours: &OURS,
            folder: None,
        }
    }

    /// Another one on the same database, set up in the same way.
    pub fn beside(&self) -> EngineBuilder {
        let Settings { binary, database, environment, ours } = self.settings.clone();
        let folder = Some(self.folder.clone());
        // It seeds nothing, so it needs no plugins.
        EngineBuilder { database: Some(database), plugins: PathBuf::new(), environment, binary, ours, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.base.trim_start_matches("http://").parse().expect("an address")
    }

    /// The folder that is its own until it is dropped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Address of its database.
    pub fn database(&self) -> &str {
        &self.settings.database
    }

    /// Memory that the process holds, in kB.
    pub fn resident_memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the engine runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Processes that the engine has started and that it hasn't waited for.
    pub fn children(&self) -> Vec<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the engine runs");
        let children = threads.filter_map(|thread| {
            let thread = thread.expect("a thread").path();
            match std::fs::read_to_string(thread.join("children")) {
                Ok(children) => Some(children),
                // The thread has ended, and its children are another's.
                Err(_) if !thread.exists() => None,
                Err(error) => panic!("the children of {} can't be read: {error}", thread.display()),
            }
        });
        let children: Vec<String> = children.collect();
        children.iter().flat_map(|line| line.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
    }

    /// Runs a command on the engine's database.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.settings.run(arguments)
    }

    /// Makes an API key.
    pub fn key(&self) -> String {
        let made = self.run(&["key", "create", "test"]).expect_success();
        made.stdout.trim().to_owned()
    }

    /// Asks the process to end, as a supervisor does.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success(), "the signal was sent");
    }

    /// Starts again on the same database, with other variables in its environment. A process that still
    /// runs is killed first, as by `kill -9`.
    pub fn restart(mut self, environment: &[(&str, &str)]) -> Self {
        drop(self.child.kill());
        drop(self.child.wait());
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.settings.environment = environment.iter().map(own).collect();
        let (child, lines, base) = self.settings.serve();
        (self.child, self.lines, self.base) = (child, Mutex::new(lines), base);
        self
    }

    /// Asks it to end, and starts it again once it has, as a deployment does. It must have ended well.
    pub fn roll(&mut self) {
        self.terminate();
        let status = self.child.wait().expect("the engine ends");
        assert!(status.success(), "{status}");
        let (child, lines, base) = self.settings.serve();
        (self.child, self.lines, self.base) = (child, Mutex::new(lines), base);
    }

    /// The sum of a counter's values that have all of these labels.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let all = self.get("/actuator/prometheus").expect(200).raw;
        let mut sum = 0;
        for line in all.lines() {
            let Some((named, value)) = line.split_once(' ') else { continue };
            let (known, of) = named.split_once('{').unwrap_or((named, ""));
            let has = |(label, value): &(&str, &str)| of.contains(&format!("{label}=\"{value}\""));
            if known == name && labels.iter().all(has) {
                sum += value.parse::<u64>().expect("a count");
            }
        }
        sum
    }

    /// Whether the process hasn't ended.
    pub fn is_running(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        // What was killed stays a zombie until it is waited for.
        status.is_ok_and(|status| !status.contains("State:\tZ"))
    }

    /// Waits for the process to end by itself: its exit code, and its log.
    pub fn wait(mut self) -> (Option<i32>, Vec<Value>) {
        let status = self.child.wait().expect("the engine ends");
        let log = self
            .lines
            .get_mut()
            .expect("nobody panicked over it")
            .iter()
            .map(|line| serde_json::from_str(&line).expect("a log line is JSON"));
        (status.code(), log.collect())
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

impl EngineBuilder {
    /// On a database of its own elsewhere than in a file.
    pub fn database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// With components of another folder.
    pub fn plugins(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.plugins);
        self
    }

    /// Built in another way: a folder beside `debug`.
    pub fn built_as(mut self, profile: &str) -> Self {
        self.binary = binary(profile);
        self
    }

    /// Another program: one of a release that knows less.
    pub fn binary(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.binary);
        self.ours = &[];
        self
    }

    /// With a Redis.
    pub fn redis(self, url: &str) -> Self {
        self.environment("MARTLET_REDIS__URL", url)
    }

    /// At a port that stays its own when it is started again.
    pub fn at(self, port: u16) -> Self {
        self.environment("MARTLET_SERVER__ADDRESS", &format!("127.0.0.1:{port}"))
    }

    /// With a variable in its environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Migrates and seeds, unless somebody has, and serves.
    pub fn start(self) -> Engine {
        let Self { database, plugins, environment, binary, ours, folder } = self;
        let is_first = folder.is_none();
        let folder = folder.unwrap_or_else(|| Arc::new(tempfile::tempdir().expect("a folder")));
        let file = || format!("sqlite:{}", folder.path().join("martlet.db").display());
        let settings = Settings { binary, database: database.unwrap_or_else(file), environment, ours };
        if is_first {
            settings.run(&["migrate"]).expect_success();
            settings.run(&["seed", "--plugins", &plugins.display().to_string()]).expect_success();
        }
        let (child, lines, base) = settings.serve();
        Engine { child, lines: Mutex::new(lines), base, settings, folder }
    }
}

impl Finished {
    /// Itself, if the command succeeded.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }
}

impl Settings {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        // The tasks' own; the engine refuses what it doesn't know.
        command.env_remove("MARTLET_CACHE");
        command
            .args(arguments)
            .env("DATABASE_URL", &self.database)
            .env("MARTLET_SERVER__ADDRESS", "127.0.0.1:0");
        // What a test says wins.
        command.envs(self.ours.iter().copied()).envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }

    fn serve(&self) -> (Child, Receiver<String>, String) {
        let mut child = self.command(&["serve"]).stdout(Stdio::piped()).spawn().expect("the engine starts");
        let lines = lines_of(&mut child);
        let address = address(&lines);
        (child, lines, format!("http://{address}"))
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let output = self.command(arguments).output().expect("martlet starts");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The folder of the components that `cargo xtask wasm` builds.
pub fn components_dir() -> PathBuf {
    let folder =
        std::env::var_os("MARTLET_TEST_PLUGINS").map_or_else(|| target().join("plugins"), PathBuf::from);
    assert!(
        folder.join("percentage-off.wasm").is_file(),
        "{} has no plugins: run `cargo xtask wasm`",
        folder.display()
    );
    folder
}

fn binary(profile: &str) -> PathBuf {
    let binary = target().join(profile).join("martlet");
    assert!(binary.is_file(), "{} isn't there: run `cargo build -p martlet`", binary.display());
    binary
}

/// Cargo's target folder: a test runs in `target/debug/deps`.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    test.ancestors().nth(3).expect("a test is in target/debug/deps").to_owned()
}

/// Reads the engine's log for as long as it writes, so that it never waits for a reader.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let stdout = child.stdout.take().expect("its output is piped");
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                // Nobody listens any more; the engine may go on writing.
                drop(reader.read_to_string(&mut line));
            }
        }
    });
    lines
}

/// The address that the engine says it listens on.
fn address(lines: &Receiver<String>) -> String {
    loop {
        let line = lines.recv_timeout(START_TIMEOUT).expect("the engine says where it listens");
        let line: Value = serde_json::from_str(&line).expect("a log line is JSON");
        // Other lines name other addresses, such as that of Redis.
        let field = |name| line.pointer("/fields").unwrap_or(&line)[name].as_str();
        if let (Some("listening"), Some(address)) = (field("message"), field("address")) {
            return address.to_owned();
        }
    }
}
