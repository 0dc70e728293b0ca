//! A MySQL or MariaDB server for the tests: the one that `TEST_MYSQL_URL` names, else a private one.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{debian, run};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A server to test against. A private one ends, and its data goes, when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it is, without a database.
    pub(crate) url: String,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    child: Child,
    data: PathBuf,
}

impl Server {
    /// The server to use, or why there is none.
    pub(crate) fn find_or_start() -> Result<Self> {
        if let Ok(url) = std::env::var("TEST_MYSQL_URL") {
            run::say("MySQL: the server of TEST_MYSQL_URL");
            return Ok(Self { url, private: None });
        }
        let program = match server_program() {
            Some(program) => program,
            None => {
                install()?;
                server_program().context("mariadb-server was installed, but there is no mariadbd")?
            }
        };
        Self::start(&program)
    }

    fn start(program: &Path) -> Result<Self> {
        let data = std::env::temp_dir().join(format!("martlet-mysql-{}", std::process::id()));
        std::fs::create_dir_all(&data)?;
        let is_mariadb = program.ends_with("mariadbd");
        initialise(program, &data, is_mariadb)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = std::fs::File::create(data.join("server.log"))?;
        let mut command = Command::new(program);
        command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
        command.arg(format!("--port={port}")).arg(format!("--socket={}", data.join("s.sock").display()));
        command.args(["--bind-address=127.0.0.1", "--skip-log-bin", "--max-connections=200"]);
        command.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"]);
        if debian::is_root() {
            command.arg("--user=root");
        }
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut server =
            Self { url: format!("mysql://root@127.0.0.1:{port}"), private: Some(Private { child, data }) };
        server.wait(port)?;
        run::say(&format!("MySQL: a private {} on port {port}", program.display()));
        Ok(server)
    }

    /// Waits until the server takes connections.
    fn wait(&mut self, port: u16) -> Result<()> {
        let Some(private) = &mut self.private else { return Ok(()) };
        let until = Instant::now() + START_TIMEOUT;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if private.child.try_wait()?.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(private.data.join("server.log")).unwrap_or_default();
                bail!("the database server did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait().map(|_| ()));
        let removed = std::fs::remove_dir_all(&self.data);
        if let Err(error) = ended.and(removed) {
            run::say(&format!(
                "the private database server left something in {}: {error}",
                self.data.display()
            ));
        }
    }
}

fn server_program() -> Option<PathBuf> {
    run::find("mariadbd").or_else(|| run::find("mysqld"))
}

fn initialise(program: &Path, data: &Path, is_mariadb: bool) -> Result<()> {
    let datadir = format!("--datadir={}", data.display());
    if is_mariadb {
        let install =
            run::find("mariadb-install-db").context("there is mariadbd, but no mariadb-install-db")?;
        let mut command = Command::new(install);
        command
            .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg(&datadir);
        if debian::is_root() {
            command.arg("--user=root");
        }
        run::output(&mut command).map(|_| ())
    } else {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--initialize-insecure"]).arg(&datadir);
        if debian::is_root() {
            command.arg("--user=root");
        }
        run::output(&mut command).map(|_| ())
    }
}

fn install() -> Result<()> {
    if !debian::is_root() || !debian::is_debian() {
        bail!(
            "there is no mysqld and no mariadbd; install one, or set TEST_MYSQL_URL=mysql://user:password@host:port"
        );
    }
    run::say("installing Debian's mariadb-server");
    debian::install(&["mariadb-server"])
}
