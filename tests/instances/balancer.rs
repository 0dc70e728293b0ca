//! A load balancer: in turn to all who say that they are ready, each request once, over connections that
//! are kept. It does what an Application Load Balancer does and no more: nothing is tried again.

use std::{
    io::Error,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use martlet_tests::{
    Answer,
    wire::{Connection, Request},
};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often each target is asked whether it is ready.
const CHECKED_EVERY: Duration = Duration::from_millis(100);
/// How long it may take to say so.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Spreads requests over targets.
pub(crate) struct Balancer {
    targets: Vec<Target>,
    next: AtomicUsize,
}

struct Target {
    address: SocketAddr,
    is_ready: AtomicBool,
    answered: AtomicUsize,
    idle: Mutex<Vec<Connection>>,
}

impl Balancer {
    /// In front of targets that are ready.
    pub(crate) fn new(addresses: &[SocketAddr]) -> Self {
        let target = |address: &SocketAddr| Target {
            address: *address,
            is_ready: AtomicBool::new(true),
            answered: AtomicUsize::new(0),
            idle: Mutex::default(),
        };
        Self { targets: addresses.iter().map(target).collect(), next: AtomicUsize::new(0) }
    }

    /// Looks at a target until it is dropped.
    pub(crate) async fn watch(&self, target: usize) {
        let target = &self.targets[target];
        let mut due = interval(CHECKED_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            let ready = timeout(CHECK_TIMEOUT, target.check()).await.unwrap_or(false);
            target.is_ready.store(ready, Ordering::SeqCst);
            if !ready {
                target.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
        }
    }

    /// How many targets there are.
    pub(crate) fn len(&self) -> usize {
        self.targets.len()
    }

    /// How many requests a target has answered.
    pub(crate) fn answered(&self, target: usize) -> usize {
        self.targets[target].answered.load(Ordering::SeqCst)
    }

    /// The answer of the target whose turn it is.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let many = self.targets.len();
        let mut in_turn = (0..many).map(|step| &self.targets[(turn + step) % many]);
        let ready = in_turn.find(|target| target.is_ready.load(Ordering::SeqCst));
        // With nobody ready it goes to anybody.
        ready.unwrap_or(&self.targets[turn % many]).send(request).await
    }
}

impl Target {
    async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let idle = self.connection();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let answer = connection.send(request).await?;
        self.answered.fetch_add(1, Ordering::SeqCst);
        if answer.header("connection") != "close" && self.is_ready.load(Ordering::SeqCst) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(answer)
    }

    /// One that is idle and that the target hasn't closed.
    fn connection(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    async fn check(&self) -> bool {
        let request = Request::new("GET", "/actuator/health/readiness", &[("connection", "close")], None);
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        connection.send(&request).await.is_ok_and(|answer| answer.status == 200)
    }
}
