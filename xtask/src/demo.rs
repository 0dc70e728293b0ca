//! `cargo xtask demo`: a store that answers, priced by components that were just built.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{infra, run, wasm, workspace};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What `cargo xtask demo` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Port on 127.0.0.1.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder for the database.
    #[arg(long, default_value = ".martlet")]
    data: PathBuf,
    /// Throws the store in that folder away first.
    #[arg(long)]
    fresh: bool,
}

/// Builds, migrates, seeds, serves, and says what to try.
pub(crate) fn run(options: &Options) -> Result<()> {
    // Found out before minutes of building, and before somebody else's answer is taken for ours.
    TcpListener::bind(("127.0.0.1", options.port))
        .with_context(|| format!("port {} is taken; choose another with --port", options.port))?;
    run::say("1/4 building the plugins");
    wasm::build()?;
    run::say("2/4 building the engine (some minutes the first time)");
    run::build_engine(&[])?;

    run::say("3/4 migrating and seeding the store");
    let demo = Demo::new(options)?;
    run::command(demo.martlet().arg("migrate"))?;
    run::command(demo.martlet().args(["seed", "--plugins"]).arg(wasm::components_dir()))?;

    run::say("4/4 starting the engine");
    let mut child = demo.martlet().arg("serve").stdin(Stdio::null()).spawn()?;
    wait_until_it_answers(&mut child, options.port)?;
    let base = format!("http://127.0.0.1:{}", options.port);
    run::say(&format!("the store answers at {base}; Ctrl-C ends it. Try:\n\n{}\n", curl_lines(&base)));
    let status = child.wait()?;
    if !status.success() {
        bail!("martlet serve ended with {status}");
    }
    Ok(())
}

/// Three lines to paste: what there is, a cart with a coupon, and its quote.
pub(crate) fn curl_lines(base: &str) -> String {
    format!(
        "  curl -s '{base}/api/v1/products?q=socks&limit=2'\n\
         \x20 CART=$(curl -s -X POST {base}/api/v1/carts -H 'Content-Type: application/json' -d \
         '{{\"lines\": [{{\"sku\": \"SOCK-MERINO-M-NAVY\", \"quantity\": 3}}, {{\"sku\": \"MUG-STONE-350\", \"quantity\": 12}}], \
         \"coupons\": [\"WELCOME10\"]}}' | sed 's/^{{\"id\":\"\\([^\"]*\\)\".*/\\1/')\n\
         \x20 curl -s {base}/api/v1/carts/$CART/quote"
    )
}

struct Demo {
    database: String,
    address: String,
}

impl Demo {
    fn new(options: &Options) -> Result<Self> {
        if options.fresh && options.data.exists() {
            for name in ["demo.db", "demo.db-wal", "demo.db-shm"] {
                let file = options.data.join(name);
                if file.exists() {
                    std::fs::remove_file(&file)
                        .with_context(|| format!("{} could not be removed", file.display()))?;
                }
            }
        }
        std::fs::create_dir_all(&options.data)
            .with_context(|| format!("{} could not be made", options.data.display()))?;
        Ok(Self {
            database: format!("sqlite:{}", options.data.join("demo.db").display()),
            address: format!("127.0.0.1:{}", options.port),
        })
    }

    fn martlet(&self) -> Command {
        let mut command = Command::new(workspace::binary());
        // Ours, and unknown to the engine, which refuses what it doesn't know.
        command.env_remove("MARTLET_CACHE").env_remove(infra::CHECKER);
        command.env("DATABASE_URL", &self.database).env("MARTLET_SERVER__ADDRESS", &self.address);
        command
    }
}

/// Waits until the port takes connections; the engine binds it once it is ready to serve.
fn wait_until_it_answers(child: &mut Child, port: u16) -> Result<()> {
    let until = Instant::now() + START_TIMEOUT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("martlet serve ended with {status}");
        }
        if Instant::now() > until {
            bail!("the engine did not answer on port {port} within {} s", START_TIMEOUT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
