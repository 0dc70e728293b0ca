//! A Redis server of a test's own, which can be stopped, killed and started again.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, RedisResult, Value};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{config::RedisConfig, redis::Redis, secret::Secret};

/// Runs the server until its standard input ends, which it does with the test however that ends, and
/// ends the server by its own id.
const KEEPER: &str = "redis-server \"$@\" >redis.log 2>&1 & echo $!; read -r _; kill -9 $!; wait $!";
/// Without persistence.
const PLAIN: &[&str] = &["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
/// How long to wait between looks.
const PAUSE: Duration = Duration::from_millis(5);
/// How often to look before something is given up.
const LOOKS: u32 = 6_000;

/// A server on a port of its own. It ends with this value.
pub struct TestRedis {
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
    running: Option<Running>,
}

struct Running {
    keeper: Child,
    /// Held open for as long as the server may live.
    input: Option<ChildStdin>,
    server: String,
}

impl TestRedis {
    /// A server; nothing, with words, where none is installed and `MARTLET_TEST_REQUIRE` doesn't name
    /// `redis`.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// A cluster of one node.
    pub async fn start_cluster() -> Option<Self> {
        let bus = free_port().to_string();
        let server = Self::start_with(&["--cluster-enabled", "yes", "--cluster-port", &bus]).await?;
        server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
        server.until(&["CLUSTER", "INFO"], |info| info.contains("cluster_state:ok")).await;
        Some(server)
    }

    /// A server with more arguments.
    pub async fn start_with(more: &[&str]) -> Option<Self> {
        if !installed() {
            return None;
        }
        super::log::start();
        // A port that was free may have gone to another test in the meantime.
        for _ in 0..10 {
            let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
            let port_argument = port.to_string();
            let arguments = [PLAIN, &["--port", &port_argument], more].concat();
            let arguments = arguments.into_iter().map(ToOwned::to_owned).collect();
            let mut server = Self { port, arguments, folder, running: None };
            if server.begin().await {
                return Some(server);
            }
        }
        panic!("no port stays free");
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A configuration for it that waits long, so that a slow machine fails nothing.
    pub fn config(&self) -> RedisConfig {
        RedisConfig {
            url: Some(Secret::new(self.url())),
            hot_path_budget_ms: 9_000,
            command_budget_ms: 9_000,
            connect_timeout_ms: 9_000,
            ..RedisConfig::default()
        }
    }

    /// The Redis of another instance, which waits long for it.
    pub fn connect(&self) -> Redis {
        Redis::connect(&self.config()).expect("an address")
    }

    /// What the server answers to a command.
    pub async fn command(&self, command: &[&str]) -> String {
        let answer = self.try_command(command).await;
        answer.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Waits until an answer is as it should be.
    pub async fn until(&self, command: &[&str], done: impl Fn(&str) -> bool) {
        let mut last = String::new();
        for _ in 0..LOOKS {
            last = self.command(command).await;
            if done(&last) {
                return;
            }
            sleep(PAUSE).await;
        }
        panic!("{command:?} never was as it should be: {last}");
    }

    /// Waits until a key has expired.
    pub async fn until_gone(&self, key: &str) {
        self.until(&["EXISTS", key], |answer| answer == "0").await;
    }

    /// Stops it: connections stay, and nothing is answered.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it again on the same port, empty.
    pub async fn restart(&mut self) {
        self.kill();
        assert!(self.begin().await, "port {} went to somebody else", self.port);
    }

    /// Starts it; `false` where its port isn't free.
    async fn begin(&mut self) -> bool {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Where the shell says whom it has killed.
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let (input, output) = (keeper.stdin.take(), keeper.stdout.take().expect("its output"));
        let mut server = String::new();
        BufReader::new(output).read_line(&mut server).expect("the server's id");
        let itself = format!("process_id:{}\r", server.trim());
        self.running = Some(Running { keeper, input, server: server.trim().to_owned() });
        let log = self.folder.path().join("redis.log");
        for _ in 0..LOOKS {
            if self.try_command(&["INFO", "server"]).await.is_ok_and(|info| info.contains(&itself)) {
                return true;
            }
            if read(&log).contains("Failed listening on port") {
                self.kill();
                return false;
            }
            sleep(PAUSE).await;
        }
        panic!("the server never answers: {}", read(&log));
    }

    async fn try_command(&self, command: &[&str]) -> RedisResult<String> {
        // It waits for as long as it takes.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let client = Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut ask = redis::cmd(command[0]);
        ask.arg(&command[1..]);
        Ok(match ask.query_async(&mut connection).await? {
            Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Value::Int(number) => number.to_string(),
            Value::Okay => "OK".to_owned(),
            Value::Nil => String::new(),
            other => format!("{other:?}"),
        })
    }

    fn signal(&self, signal: &str) {
        let server = &self.running.as_ref().expect("it runs").server;
        let sent = Command::new("kill").args([signal, server]).status().expect("kill");
        assert!(sent.success(), "kill {signal} {server}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.input.take());
        // The keeper goes after the server.
        drop(self.keeper.wait());
    }
}

fn installed() -> bool {
    let found = Command::new("redis-server").arg("--version").output().is_ok();
    let required = std::env::var("MARTLET_TEST_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|name| ["redis", "all"].contains(&name.trim()));
    assert!(found || !required, "MARTLET_TEST_REQUIRE asks for redis-server, which isn't installed");
    if !found {
        eprintln!("skipped: redis-server isn't installed");
    }
    found
}

/// A port that nobody uses at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn read(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}
