//! Notices of changes between instances. They make an instance look sooner and nothing more: each one
//! reads the change log from time to time, so a notice may be lost, come twice or never.

use std::time::Duration;

use redis::{PushInfo, PushKind, RedisResult, aio::MultiplexedConnection};
use tokio::{
    sync::mpsc::{
        Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, error::TrySendError, unbounded_channel,
    },
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Budget, Inner, Redis, Unavailable, keys::CHANGES};

/// First pause before a lost connection is made again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After how long without a message the other side is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(10);

/// Hears when something changes, and connects again for as long as it takes, until it is dropped.
#[derive(Debug)]
pub struct Notices {
    /// Nobody sends where there is no Redis.
    heard: Option<Receiver<()>>,
    task: Option<JoinHandle<()>>,
}

impl Redis {
    /// Tells every instance, this one among them, that something has changed: to be called when the
    /// change is committed. What has is in the database.
    pub async fn publish(&self) -> Result<(), Unavailable> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(CHANGES).arg("");
        self.ask::<i64>("notice.publish", Budget::Command, publish).await.map(drop)
    }

    /// Begins to listen. Needs a runtime.
    pub fn notices(&self) -> Notices {
        let Some(inner) = &self.0 else { return Notices { heard: None, task: None } };
        // One that waits to be taken stands for all that come after it.
        let (tell, heard) = channel(1);
        let inner = inner.clone();
        let task = tokio::spawn(async move { inner.listen(&tell).await });
        Notices { heard: Some(heard), task: Some(task) }
    }
}

impl Notices {
    /// Comes back when something has changed since the last time, here or elsewhere, or may have while
    /// nobody could be heard. Never where there is no Redis. Nothing is lost when it is dropped early.
    pub async fn next(&mut self) {
        let heard = match &mut self.heard {
            Some(heard) => heard.recv().await,
            None => None,
        };
        if heard.is_none() {
            std::future::pending().await
        }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Inner {
    /// Listens until nobody takes what is heard.
    async fn listen(&self, tell: &Sender<()>) {
        let (mut pause, mut turn, mut heard_before) = (FIRST_PAUSE, 0, true);
        while !tell.is_closed() {
            let (sender, mut messages) = unbounded_channel();
            match self.subscribe(turn, sender).await {
                Ok(connection) => {
                    tracing::info!("changes on other instances are heard");
                    (pause, heard_before) = (FIRST_PAUSE, true);
                    self.hear(connection, &mut messages, tell).await;
                }
                Err(error) if heard_before => {
                    tracing::warn!(%error, "changes on other instances aren't heard, and polled for alone");
                    heard_before = false;
                }
                Err(error) => tracing::debug!(%error, "changes on other instances still aren't heard"),
            }
            turn += 1;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn subscribe(
        &self,
        turn: usize,
        messages: UnboundedSender<PushInfo>,
    ) -> RedisResult<MultiplexedConnection> {
        let mut connection = self.target.connect_for_messages(turn, messages).await?;
        match timeout(self.command, connection.subscribe(CHANGES)).await {
            Ok(subscribed) => subscribed.map(|()| connection),
            Err(_) => Err((redis::ErrorKind::Io, "subscribing took too long").into()),
        }
    }

    /// Passes on what comes until the connection is lost.
    async fn hear(
        &self,
        mut connection: MultiplexedConnection,
        messages: &mut UnboundedReceiver<PushInfo>,
        tell: &Sender<()>,
    ) {
        // Those from before may not have been heard.
        let mut changed = true;
        loop {
            if changed && matches!(tell.try_send(()), Err(TrySendError::Closed(()))) {
                return;
            }
            match timeout(SILENCE, messages.recv()).await {
                Ok(Some(push)) if push.kind == PushKind::Disconnection => return,
                Ok(Some(push)) => changed = push.kind == PushKind::Message,
                Ok(None) => return,
                Err(_) => {
                    let ping = redis::cmd("PING");
                    let pong = timeout(self.command, ping.query_async::<String>(&mut connection)).await;
                    if !matches!(pong, Ok(Ok(_))) {
                        return;
                    }
                    changed = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRedis;

    #[tokio::test]
    async fn what_one_publishes_all_hear() {
        let Some(server) = TestRedis::start().await else { return };
        let (here, there) = (server.connect(), server.connect());
        let mut heard = [here.notices(), there.notices()];
        for notices in &mut heard {
            // They listen.
            notices.next().await;
        }
        server.command(&["PUBLISH", "another", "{}"]).await;
        for _ in 0..3 {
            here.publish().await.unwrap();
            for notices in &mut heard {
                notices.next().await;
            }
        }
        // A flood of them is one, or a few, to who is slow.
        for _ in 0..1_000 {
            here.publish().await.unwrap();
        }
        for notices in &mut heard {
            notices.next().await;
        }
    }

    #[tokio::test]
    async fn who_was_cut_off_is_told_that_something_may_be_missing() {
        let Some(mut server) = TestRedis::start().await else { return };
        let redis = server.connect();
        let mut notices = redis.notices();
        notices.next().await;
        server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        notices.next().await;
        server.restart().await;
        notices.next().await;
        // The connection for commands is another one, which finds out for itself.
        while redis.publish().await.is_err() {}
        notices.next().await;
    }

    #[tokio::test]
    async fn who_stops_listening_leaves_no_connection() {
        let Some(server) = TestRedis::start().await else { return };
        let mut notices = server.connect().notices();
        notices.next().await;
        let listeners = ["PUBSUB", "NUMSUB", CHANGES];
        server.until(&listeners, |answer| answer.contains("int(1)")).await;
        drop(notices);
        server.until(&listeners, |answer| answer.contains("int(0)")).await;
    }

    #[tokio::test]
    async fn without_redis_nothing_is_heard() {
        let mut notices = Redis::off().notices();
        let soon = Duration::from_millis(10);
        assert!(timeout(soon, notices.next()).await.is_err());
        assert_eq!(Redis::off().publish().await, Err(Unavailable::Off));
    }
}
