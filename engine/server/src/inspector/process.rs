//! The side of the server: starts the process, feeds it, and knows which bound it met.

use std::{
    io::{self, Read, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use martlet_plugin_host::{Check, GateStep, HostConfig};

use super::{
    Inspected,
    child::{ChildArgs, Said},
};
use crate::error::Error;

/// What a line of standard error begins with that names a step.
pub(super) const STEP: &str = "step: ";
/// Bytes of a report: the most that a component can say of itself, in JSON.
const REPORT_BYTES: usize = 8 << 20;
/// Bytes of standard error that are kept.
const COMPLAINT_BYTES: usize = 64 << 10;
/// How often the process is looked after.
const LOOK: Duration = Duration::from_millis(10);

/// How much an inspection may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of memory.
    pub memory: u64,
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// Time by the clock on the wall.
    pub wall: Duration,
}

/// The program that is started for an inspection, with what it is told.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file: the server's own, which has the command `inspect-component`.
    pub path: PathBuf,
    /// How much it may take.
    pub bounds: Bounds,
    /// The limits that components run under.
    pub host: HostConfig,
}

/// A process that is gone and was waited for afterwards, however it went.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How the process ended.
enum End {
    Exited(ExitStatus),
    /// It was killed when its time was over.
    Late,
    /// It was killed because its report is too long.
    TooLong,
}

impl Program {
    /// Starts the process, has it look at the component, and waits for its end.
    pub(super) fn inspect(&self, bytes: &[u8]) -> Result<Inspected, Error> {
        let started = |error: io::Error| {
            tracing::error!(program = %self.path.display(), %error, "an inspection can't be started");
            Error::Internal(format!("an inspection can't be started: {error}"))
        };
        let mut child = Started(self.command(bytes.len()).spawn().map_err(started)?);
        self.attend(&mut child.0, bytes)
    }

    fn command(&self, size: usize) -> Command {
        let host = &self.host;
        let arguments = ChildArgs {
            size,
            data_bytes: self.bounds.memory,
            cpu_seconds: self.bounds.cpu_seconds,
            fuel_per_call: host.fuel_per_call,
            fuel_per_line: host.fuel_per_line,
            call_timeout_ms: u64::try_from(host.call_timeout.as_millis()).unwrap_or(u64::MAX),
            instance_bytes: host.memory_bytes,
            module_bytes: host.module_bytes,
        };
        let mut command = Command::new(&self.path);
        command
            .arg("inspect-component")
            .args(arguments.to_arguments())
            // The environment has the password of the database in it.
            .env_clear()
            .current_dir("/")
            // A signal to the server's group is the server's: it lets inspections end.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn attend(&self, child: &mut Child, bytes: &[u8]) -> Result<Inspected, Error> {
        let lost = || Error::Internal("a stream of an inspection is not there".to_owned());
        let mut stdin = child.stdin.take().ok_or_else(lost)?;
        let no_thread = |error: io::Error| {
            tracing::error!(%error, "an inspection has no thread");
            Error::Busy
        };
        let stdout = read(child.stdout.take().ok_or_else(lost)?, REPORT_BYTES).map_err(no_thread)?;
        let stderr = read(child.stderr.take().ok_or_else(lost)?, COMPLAINT_BYTES).map_err(no_thread)?;
        let end = thread::scope(|scope| {
            // A process that ends before it has read everything says why otherwise.
            let write = move || drop(stdin.write_all(bytes));
            thread::Builder::new().spawn_scoped(scope, write).map_err(no_thread)?;
            Ok::<_, Error>(self.wait(child, &stdout))
        })?;
        let end =
            end.map_err(|error| Error::Internal(format!("an inspection can't be waited for: {error}")))?;
        let complaints = String::from_utf8_lossy(&stderr.finish()).into_owned();
        self.judge(&end, &stdout.finish(), &complaints)
    }

    /// Waits for the end of the process, and brings it about where a bound is met.
    fn wait(&self, child: &mut Child, stdout: &Reading) -> io::Result<End> {
        let until = Instant::now() + self.bounds.wall;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(End::Exited(status));
            }
            let end = if stdout.overflowed() {
                End::TooLong
            } else if Instant::now() >= until {
                End::Late
            } else {
                thread::sleep(LOOK);
                continue;
            };
            child.kill()?;
            child.wait()?;
            return Ok(end);
        }
    }

    /// What the end of the process means for the component.
    fn judge(&self, end: &End, said: &[u8], complaints: &str) -> Result<Inspected, Error> {
        let step = step(complaints);
        let status = match end {
            End::Late => {
                return Ok(stopped(step, &format!("took more than {} s", self.bounds.wall.as_secs())));
            }
            End::TooLong => {
                let found = format!("what the component says of itself is more than {REPORT_BYTES} bytes");
                return Ok(Inspected::Stopped(check("description", found, "say less in `describe`")));
            }
            End::Exited(status) => status,
        };
        if status.success() {
            return match serde_json::from_slice(said) {
                Ok(Said::Report(report)) => Ok(Inspected::Report(report)),
                Ok(Said::NoRoom) => Ok(self.no_room(step)),
                Ok(Said::Undecided(why)) => {
                    tracing::warn!(why, "an inspection came to nothing");
                    Err(Error::Busy)
                }
                Err(error) => Err(Error::Internal(format!("the report of an inspection: {error}"))),
            };
        }
        // In the words of the standard library, of wasmtime and of the kernel.
        const NO_ROOM: [&str; 3] = ["memory allocation of", "out of memory", "Cannot allocate memory"];
        if NO_ROOM.iter().any(|words| complaints.contains(words)) {
            return Ok(self.no_room(step));
        }
        match status.signal() {
            Some(CPU_TIME) => {
                let seconds = self.bounds.cpu_seconds;
                Ok(stopped(step, &format!("took more than {seconds} s of CPU time")))
            }
            // Nobody here has sent it: the machine is short of memory.
            Some(KILLED) => Err(Error::Busy),
            Some(signal) => Ok(stopped(step, &format!("crashed with signal {signal}"))),
            // A panic: nothing that a component holds may cause one, so we want to know.
            None if status.code() == Some(PANICKED) => {
                tracing::error!(complaints, "a component made its inspection panic");
                Ok(stopped(step, "failed"))
            }
            None => Err(Error::Internal(format!("an inspection ended with {status}: {complaints}"))),
        }
    }

    fn no_room(&self, step: GateStep) -> Inspected {
        stopped(step, &format!("needed more than {} MiB of memory", self.bounds.memory >> 20))
    }
}

/// SIGXCPU on Linux.
const CPU_TIME: i32 = 24;
/// SIGKILL.
const KILLED: i32 = 9;
/// What a Rust program exits with that panicked.
const PANICKED: i32 = 101;

/// The last step that was begun.
fn step(complaints: &str) -> GateStep {
    let named = complaints.lines().filter_map(|line| line.strip_prefix(STEP)).next_back();
    let known = GateStep::ALL.into_iter().find(|step| named == Some(step.as_str()));
    known.unwrap_or(GateStep::Reading)
}

fn stopped(step: GateStep, what: &str) -> Inspected {
    let (name, subject, advice) = match step {
        GateStep::Reading => ("format", "reading it", "make the component smaller or simpler"),
        GateStep::Compiling => ("compilation", "compilation", "make the component smaller or simpler"),
        GateStep::Trying => ("conformance", "trying it on carts", "do less, and hold less, in a call"),
    };
    Inspected::Stopped(check(name, format!("{subject} {what}"), advice))
}

fn check(name: &str, found: String, advice: &str) -> Check {
    Check { name: name.to_owned(), passed: false, found, advice: Some(advice.to_owned()), backtrace: None }
}

/// A stream that is read to its end by a thread, and kept as far as a bound.
struct Reading {
    thread: JoinHandle<Vec<u8>>,
    overflow: mpsc::Receiver<()>,
}

fn read(mut from: impl Read + Send + 'static, most: usize) -> io::Result<Reading> {
    let (tell, overflow) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), [0; 8 << 10]);
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return kept,
                Ok(count) => {
                    let room = most.saturating_sub(kept.len());
                    kept.extend_from_slice(&chunk[..count.min(room)]);
                    if count > room {
                        // Told once is enough.
                        let _ = tell.try_send(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return kept,
            }
        }
    })?;
    Ok(Reading { thread, overflow })
}

impl Reading {
    fn overflowed(&self) -> bool {
        self.overflow.try_recv().is_ok()
    }

    fn finish(self) -> Vec<u8> {
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that is a shell script in the place of an inspection.
    fn script(folder: &tempfile::TempDir, script: &str) -> Program {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join("inspect");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let bounds = Bounds { memory: 64 << 20, cpu_seconds: 7, wall: Duration::from_secs(3) };
        Program { path, bounds, host: HostConfig::default() }
    }

    fn inspected(does: &str) -> Result<Inspected, Error> {
        let folder = tempfile::tempdir().unwrap();
        script(&folder, does).inspect(b"component")
    }

    /// What a stopped inspection says: the check, what was found.
    fn stopped_by(does: &str) -> (String, String) {
        match inspected(does).unwrap() {
            Inspected::Stopped(check) => {
                assert!(!check.passed && check.advice.is_some());
                (check.name, check.found)
            }
            Inspected::Report(report) => panic!("{report:?}"),
        }
    }

    fn says(name: &str, found: &str) -> (String, String) {
        (name.to_owned(), found.to_owned())
    }

    #[test]
    fn each_bound_is_told_by_its_name_and_by_what_was_being_done() {
        let compiling = "cat > /dev/null; echo 'step: compiling' >&2;";
        assert_eq!(
            stopped_by(&format!("{compiling} kill -XCPU $$")),
            says("compilation", "compilation took more than 7 s of CPU time")
        );
        assert_eq!(
            stopped_by(&format!("{compiling} echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$")),
            says("compilation", "compilation needed more than 64 MiB of memory")
        );
        assert_eq!(
            stopped_by("echo 'step: trying' >&2; echo '\"no_room\"'"),
            says("conformance", "trying it on carts needed more than 64 MiB of memory")
        );
        assert_eq!(
            stopped_by("echo 'step: trying' >&2; exec sleep 60"),
            says("conformance", "trying it on carts took more than 3 s")
        );
        assert_eq!(stopped_by("kill -SEGV $$"), says("format", "reading it crashed with signal 11"));
        assert_eq!(stopped_by("exit 101"), says("format", "reading it failed"));
        let (name, found) = stopped_by("exec cat /dev/zero");
        assert_eq!(name, "description");
        assert!(found.contains("says of itself"), "{found}");
    }

    #[test]
    fn what_is_not_the_components_doing_is_no_refusal() {
        for (does, busy) in [
            ("kill -KILL $$", true),
            ("echo '{\"undecided\": \"later\"}'", true),
            ("exit 2", false),
            ("echo nonsense", false),
        ] {
            let error = inspected(does).unwrap_err();
            assert_eq!(matches!(error, Error::Busy), busy, "{does}: {error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Program { path: folder.path().join("none"), ..script(&folder, "") };
        assert!(matches!(nowhere.inspect(b""), Err(Error::Internal(_))));
    }

    #[test]
    fn it_is_told_nothing_but_what_it_needs() {
        let (_, found) = stopped_by(
            "env >&2; [ $(env | grep -vc -e '^PWD=' -e '^_=' -e '^SHLVL=') = 0 ] && exit 101; exit 2",
        );
        assert_eq!(found, "reading it failed");
    }
}
