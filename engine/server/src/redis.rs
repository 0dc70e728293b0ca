//! Redis: an accelerator that may be flushed, evicted, slow or gone at any moment without a wrong
//! answer, because the database is the truth.
//!
//! Every call has a budget and may come back [`Unavailable`]; whoever makes it knows what to do then.
//! After failures in a row a circuit breaker lets nobody wait for a while. [`keys`] lists all that is
//! written.

pub mod breaker;
mod gate;
pub mod gcra;
pub mod keys;
mod line;
mod lock;
mod metrics;
mod notices;
mod popular;
mod products;
mod script;
mod sessions;
mod target;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prometheus::Registry;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::time::{Instant, timeout};

use self::{
    breaker::{Breaker, BreakerState, Permit, Transition},
    keys::Key,
    line::Line,
    metrics::RedisMetrics,
    script::Script,
};
use crate::config::RedisConfig;

pub use self::{
    gate::Gate, line::Link, lock::StockLock, notices::Notices, products::Cached, sessions::SessionState,
    target::BadAddress,
};
pub(crate) use target::Target;

/// Redis, or its absence. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Option<Arc<Inner>>);

struct Inner {
    target: Arc<Target>,
    line: Line,
    breaker: Mutex<Breaker>,
    metrics: RedisMetrics,
    hot_path: Duration,
    command: Duration,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// As long as a shopper can wait for an acceleration: `redis.hot_path_budget_ms`.
    HotPath,
    /// As long as something off the hot path can: `redis.command_budget_ms`.
    Command,
    /// This long, if that is less than a hot path has.
    AtMost(Duration),
}

/// Redis gave no answer. Whether it did what it was asked isn't known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// None is configured.
    #[error("there is no Redis")]
    Off,
    /// It failed a moment ago and isn't called.
    #[error("Redis has failed and isn't called for a moment")]
    Resting,
    /// It took too long.
    #[error("Redis gave no answer within {budget:?}")]
    Slow {
        /// The call's budget.
        budget: Duration,
    },
    /// It can't be reached, or answered with an error.
    #[error("Redis failed: {0}")]
    Failed(String),
}

/// Redis can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// By its address.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// The file of `redis.ca_certificate` can't be read.
    #[error("redis.ca_certificate can't be read: {0}")]
    Certificate(std::io::Error),
    /// The metrics can't be made.
    #[error("the metrics of Redis can't be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Redis {
    /// The Redis of a configuration, or its absence. The connection is begun and not waited for: an
    /// engine starts without Redis and takes it up when it is there. Needs a runtime.
    pub fn connect(config: &RedisConfig) -> Result<Self, ConnectError> {
        let ca = match config.ca_certificate.as_os_str().is_empty() {
            true => None,
            false => Some(std::fs::read(&config.ca_certificate).map_err(ConnectError::Certificate)?),
        };
        let Some(target) = Target::of(config, ca.as_deref())?.map(Arc::new) else { return Ok(Self::off()) };
        tracing::info!(address = target.name(), "Redis is used");
        Ok(Self(Some(Arc::new(Inner {
            line: Line::new(Arc::clone(&target)),
            target,
            breaker: Mutex::new(Breaker::new(config.breaker())),
            metrics: RedisMetrics::new()?,
            hot_path: config.hot_path_budget(),
            command: config.command_budget(),
        }))))
    }

    /// No Redis: every call is [`Unavailable::Off`] at once.
    pub const fn off() -> Self {
        Self(None)
    }

    /// Whether there is one, reachable or not.
    pub const fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// What the circuit breaker lets through; nothing where there is no Redis.
    pub fn breaker(&self) -> Option<BreakerState> {
        self.0.as_ref().map(|inner| inner.breaker().state())
    }

    /// Shows its metrics in a registry.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.0.as_ref().map_or(Ok(()), |inner| inner.metrics.register(registry))
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.ask::<String>("ping", Budget::Command, redis::cmd("PING")).await.map(drop)
    }

    /// What a command answers within its budget, connecting included. `call` is its name in metrics.
    pub async fn run<T, F>(
        &self,
        call: &'static str,
        budget: Budget,
        command: impl FnOnce(Link) -> F,
    ) -> Result<T, Unavailable>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let inner = self.0.as_deref().ok_or(Unavailable::Off)?;
        inner.metrics.begins(call);
        let answer = inner.run(call, inner.budget(budget), command).await;
        if let Err(why) = &answer {
            inner.metrics.fails(call, why);
            tracing::debug!(call, %why, "Redis gave no answer");
        }
        answer
    }

    /// What one command answers.
    async fn ask<T: FromRedisValue>(
        &self,
        call: &'static str,
        budget: Budget,
        command: Cmd,
    ) -> Result<T, Unavailable> {
        self.run(call, budget, async move |mut link: Link| command.query_async(&mut link).await).await
    }

    /// What a script answers.
    async fn script<T: FromRedisValue>(
        &self,
        call: &'static str,
        budget: Budget,
        script: &Script,
        keys: &[Key],
        arguments: &[Vec<u8>],
    ) -> Result<T, Unavailable> {
        self.run(call, budget, |link| script.run(link, keys, arguments)).await
    }
}

impl Inner {
    async fn run<T, F>(
        &self,
        call: &'static str,
        budget: Duration,
        command: impl FnOnce(Link) -> F,
    ) -> Result<T, Unavailable>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let begun = Instant::now();
        let permit = self.admit(begun).ok_or(Unavailable::Resting)?;
        let mut used = None;
        let answered = timeout(budget, async {
            let link = self.line.link().await?;
            command(used.insert(link).clone()).await
        })
        .await;
        self.metrics.ends(call, begun.elapsed());
        let why = match answered {
            Ok(Ok(value)) => {
                self.succeeded(permit);
                return Ok(value);
            }
            Ok(Err(error)) => {
                let lost = |link: &&Link| !link.heals_itself() && is_of_the_connection(&error);
                if let Some(link) = used.as_ref().filter(lost) {
                    self.line.drop_link(link);
                }
                Unavailable::Failed(error.to_string())
            }
            Err(_) => Unavailable::Slow { budget },
        };
        self.failed(permit, &why, used.as_ref());
        Err(why)
    }

    const fn budget(&self, budget: Budget) -> Duration {
        match budget {
            Budget::HotPath => self.hot_path,
            Budget::Command => self.command,
            Budget::AtMost(most) if most.as_nanos() < self.hot_path.as_nanos() => most,
            Budget::AtMost(_) => self.hot_path,
        }
    }

    fn admit(&self, now: Instant) -> Option<Permit> {
        let mut breaker = self.breaker();
        let permit = breaker.admit(now);
        self.metrics.breaker(breaker.state());
        permit
    }

    fn succeeded(&self, permit: Permit) {
        let mut breaker = self.breaker();
        if breaker.succeeded(permit) == Transition::Closed {
            self.metrics.breaker(breaker.state());
            tracing::info!("Redis answers again");
        }
    }

    fn failed(&self, permit: Permit, why: &Unavailable, used: Option<&Link>) {
        let transition = {
            let mut breaker = self.breaker();
            let transition = breaker.failed(permit, Instant::now());
            self.metrics.breaker(breaker.state());
            transition
        };
        if transition == Transition::Opened {
            tracing::warn!(%why, "Redis fails and isn't called for a while");
        }
        // A connection on which nothing comes back may be one to a host that is gone.
        if let (Transition::Opened | Transition::Reopened, Some(link)) = (transition, used) {
            self.line.drop_link(link);
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another connection could help: this one is lost, or leads to what is a replica by now.
fn is_of_the_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_unrecoverable_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(inner) => f.debug_tuple("Redis").field(&inner.target.name()).finish(),
            None => f.write_str("Redis::Off"),
        }
    }
}
