//! A Redis server of a test's own, which can be stopped, killed and started again.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::ports::free_port;

/// Runs the server until its standard input ends, which it does with the test however that ends, and
/// ends the server by its own id.
const KEEPER: &str = "redis-server \"$@\" >redis.log 2>&1 & echo $!; read -r _; kill -9 $!; wait $!";
/// Without persistence.
const PLAIN: [&str; 6] = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
/// How long a server may take to start, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Commands that tell of the server and not of what is kept in it.
const OWN: [&str; 10] =
    ["auth", "client", "command", "config", "flushall", "hello", "info", "ping", "subscribe", "script"];

/// A server on a port of its own. It ends with this value.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: TempDir,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    keeper: Child,
    /// Held open for as long as the server may live.
    input: Option<ChildStdin>,
    server: String,
}

impl Redis {
    /// A server; nothing, with words, where none is installed and `MARTLET_TEST_REQUIRE` doesn't name
    /// `redis`.
    pub fn start() -> Option<Self> {
        if Command::new("redis-server").arg("--version").output().is_err() {
            let required = std::env::var("MARTLET_TEST_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|means| matches!(means.trim(), "redis" | "all")),
                "redis-server isn't installed"
            );
            eprintln!("SKIPPED: redis-server isn't installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let server = Self { port: free_port(), folder, running: Mutex::default() };
        server.restart();
        Some(server)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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
    pub fn kill(&self) {
        *self.running() = None;
    }

    /// Starts it again on the same port, empty.
    pub fn restart(&self) {
        self.kill();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args(PLAIN)
            .args(["--port", &self.port.to_string()])
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
        let server = server.trim().to_owned();
        // Another server on this port would answer too.
        let itself = format!("process_id:{server}\r");
        *self.running() = Some(Running { keeper, input, server });
        let begun = Instant::now();
        while !self.try_ask(&["INFO", "server"]).is_ok_and(|info| info.contains(&itself)) {
            let log = || std::fs::read_to_string(self.folder.path().join("redis.log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "the server never answers: {}", log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Forgets everything.
    pub fn flush(&self) {
        self.ask(&["FLUSHALL"]);
    }

    /// Leaves this much room beyond what is in use now; the keys that were used least go.
    pub fn evict_beyond(&self, bytes: u64) {
        let used = self.info("memory", "used_memory:");
        self.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
        self.ask(&["CONFIG", "SET", "maxmemory", &(used + bytes).to_string()]);
    }

    /// Keeps so many bytes, if there is room for them.
    pub fn try_to_keep(&self, key: &str, bytes: usize) {
        // Refused where everything else together is more than the room.
        drop(self.try_ask(&["SET", key, &"x".repeat(bytes)]));
    }

    /// How many keys went for want of room.
    pub fn evicted(&self) -> u64 {
        self.info("stats", "evicted_keys:")
    }

    /// How many commands for what is kept it has answered since it started.
    pub fn commands(&self) -> u64 {
        let stats = self.ask(&["INFO", "commandstats"]);
        let mut sum = 0;
        for line in stats.lines() {
            let Some((name, numbers)) =
                line.strip_prefix("cmdstat_").and_then(|line| line.split_once(":calls="))
            else {
                continue;
            };
            let command = name.split('|').next().unwrap_or(name);
            if !OWN.contains(&command) {
                let calls = numbers.split(',').next().unwrap_or_default();
                sum += calls.parse::<u64>().expect("a number of calls");
            }
        }
        sum
    }

    /// What it answers to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        self.try_ask(command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    fn info(&self, section: &str, field: &str) -> u64 {
        let info = self.ask(&["INFO", section]);
        let value = info.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        value.trim().parse().expect("a number")
    }

    fn try_ask(&self, command: &[&str]) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut request = format!("*{}\r\n", command.len());
        for part in command {
            request.push_str(&format!("${}\r\n{part}\r\n", part.len()));
        }
        stream.write_all(request.as_bytes())?;
        answer(BufReader::new(stream))
    }

    fn signal(&self, signal: &str) {
        let running = self.running();
        let server = &running.as_ref().expect("it runs").server;
        let sent = Command::new("kill").args([signal, server]).status().expect("kill runs");
        assert!(sent.success(), "kill {signal} {server}");
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.input.take());
        // The keeper goes after the server.
        drop(self.keeper.wait());
    }
}

/// An answer that isn't a list, in the protocol's second version.
fn answer(mut reader: BufReader<TcpStream>) -> io::Result<String> {
    let mut head = String::new();
    reader.read_line(&mut head)?;
    let (kind, rest) = head.trim_end().split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "$" => {
            let length = rest.parse::<usize>().unwrap_or_default();
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes)?;
            String::from_utf8(bytes).map_err(io::Error::other)
        }
        _ => Err(io::Error::other(head)),
    }
}
