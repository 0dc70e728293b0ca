//! Scripts, which Redis runs as one step.

use std::sync::OnceLock;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};

use super::{keys::Key, line::Link};

/// A script. Redis keeps those it has run by their SHA-1 and forgets them when it restarts.
pub(super) struct Script {
    source: &'static str,
    digest: OnceLock<String>,
}

impl Script {
    /// A script with this text, in Lua.
    pub(super) const fn new(source: &'static str) -> Self {
        Self { source, digest: OnceLock::new() }
    }

    /// What it answers. It is named by its digest first and sent whole where Redis doesn't know it,
    /// which makes it known at the same time: a script that isn't known has done nothing yet.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        mut link: Link,
        keys: &[Key],
        arguments: &[Vec<u8>],
    ) -> RedisResult<T> {
        match self.call("EVALSHA", self.digest(), keys, arguments).query_async(&mut link).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.call("EVAL", self.source, keys, arguments).query_async(&mut link).await
            }
            answered => answered,
        }
    }

    fn call(&self, command: &str, script: &str, keys: &[Key], arguments: &[Vec<u8>]) -> Cmd {
        let mut call = redis::cmd(command);
        call.arg(script).arg(keys.len()).arg(keys).arg(arguments);
        call
    }

    fn digest(&self) -> &str {
        self.digest.get_or_init(|| redis::Script::new(self.source).get_hash().to_owned())
    }
}
