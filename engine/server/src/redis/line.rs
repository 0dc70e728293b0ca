//! The connection that all share: made when it is missing, by a task of its own, so that it comes to
//! stand although everyone who waits for it has a budget far below what connecting may take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};
use tokio::sync::watch;

use super::target::Target;

/// Keeps the connection.
pub(super) struct Line {
    target: Arc<Target>,
    state: Arc<Mutex<State>>,
}

enum State {
    Down,
    Connecting(watch::Receiver<Option<RedisResult<Link>>>),
    Up(Link),
}

/// The connection, to be cloned for each call: commands of all share one stream.
#[derive(Clone)]
pub struct Link {
    wire: Wire,
    number: Arc<()>,
}

/// What commands travel on.
#[derive(Clone)]
pub(super) enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Line {
    /// To a target, and begun at once. Needs a runtime.
    pub(super) fn new(target: Arc<Target>) -> Self {
        let line = Self { target, state: Arc::new(Mutex::new(State::Down)) };
        line.attempt(&mut line.lock());
        line
    }

    /// The connection, waited for while it is being made.
    pub(super) async fn link(&self) -> RedisResult<Link> {
        let mut attempt = {
            let mut state = self.lock();
            match &*state {
                State::Up(link) => return Ok(link.clone()),
                // One whose task has gone without a word, as with its runtime, is made again.
                State::Connecting(attempt) if attempt.has_changed().is_ok() => attempt.clone(),
                State::Connecting(_) | State::Down => self.attempt(&mut state),
            }
        };
        let made = attempt.wait_for(Option::is_some).await;
        made.ok().and_then(|made| made.clone()).unwrap_or_else(|| Err(given_up()))
    }

    /// Gives up a connection, unless another one stands already. The next call makes a new one.
    pub(super) fn drop_link(&self, link: &Link) {
        let mut state = self.lock();
        if matches!(&*state, State::Up(up) if Arc::ptr_eq(&up.number, &link.number)) {
            *state = State::Down;
        }
    }

    fn attempt(&self, state: &mut State) -> watch::Receiver<Option<RedisResult<Link>>> {
        let (made, attempt) = watch::channel(None);
        *state = State::Connecting(attempt.clone());
        let (target, state) = (Arc::clone(&self.target), Arc::clone(&self.state));
        tokio::spawn(async move {
            let link = target.connect().await.map(|wire| Link { wire, number: Arc::default() });
            *lock(&state) = link.as_ref().map_or(State::Down, |link| State::Up(link.clone()));
            made.send_replace(Some(link));
        });
        attempt
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn given_up() -> RedisError {
    (ErrorKind::Io, "connecting was given up").into()
}

impl Link {
    /// Whether it finds lost nodes and new primaries by itself, as the connection to a cluster does.
    pub(super) const fn heals_itself(&self) -> bool {
        matches!(self.wire, Wire::Cluster(_))
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.wire {
            Wire::One(connection) => connection.req_packed_command(cmd),
            Wire::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.wire {
            Wire::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Wire::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.wire {
            Wire::One(connection) => connection.get_db(),
            Wire::Cluster(connection) => connection.get_db(),
        }
    }
}
