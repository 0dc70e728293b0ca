//! The Redis server, which tests start for themselves.

use anyhow::{Context as _, Result, bail};

use crate::{debian, run};

const SERVER: &str = "redis-server";

/// Sees to it that there is one, or says why not.
pub(crate) fn ensure() -> Result<()> {
    if run::find(SERVER).is_some() {
        return Ok(());
    }
    if !debian::is_root() || !debian::is_debian() {
        bail!("there is no {SERVER}; install one");
    }
    run::say("installing Debian's redis-server");
    debian::install(&[SERVER])?;
    run::find(SERVER).map(drop).context("redis-server was installed, but isn't there")
}
