//! Notices of changes between instances. They make an instance look sooner and nothing more: each one
//! reads the change log from time to time, so a notice may be lost, come twice or never.

use std::time::Duration;

use martlet_domain::{Id, settings::Store};
use martlet_store::{Change, ChangeKind};
use redis::{PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel},
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{Budget, Inner, Redis, Unavailable, keys::CHANGES};

/// Notices that wait to be taken. Behind them messages wait in the connection.
const WAITING: usize = 256;
/// First pause before a lost connection is made again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// After how long without a message the other side is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(10);

/// What has changed: as much of a [`Change`] as who made it knows, since the database gives the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose it is; nothing where it is everybody's.
    pub store: Option<Id<Store>>,
    /// What.
    pub kind: ChangeKind,
    /// Which one, where there are several.
    pub subject: Option<Uuid>,
}

impl From<Change> for Changed {
    fn from(change: Change) -> Self {
        Self { store: change.store, kind: change.kind, subject: change.subject }
    }
}

/// What is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Something changed, here or on another instance.
    Changed(Changed),
    /// From now on changes are heard. Those from before may not have been: look for them.
    Listening,
}

/// Hears what changes, and connects again for as long as it takes, until it is dropped.
#[derive(Debug)]
pub struct Notices {
    /// Nobody sends where there is no Redis.
    heard: Option<Receiver<Notice>>,
    task: Option<JoinHandle<()>>,
}

impl Redis {
    /// Tells every instance, this one among them, that something has changed: to be called when the
    /// change is committed.
    pub async fn publish(&self, changed: Changed) -> Result<(), Unavailable> {
        let message = serde_json::to_vec(&changed).map_err(|error| Unavailable::Failed(error.to_string()))?;
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(CHANGES).arg(message);
        self.ask::<i64>("notice.publish", Budget::Command, publish).await.map(drop)
    }

    /// Begins to listen. Needs a runtime.
    pub fn notices(&self) -> Notices {
        let Some(inner) = &self.0 else { return Notices { heard: None, task: None } };
        let (tell, heard) = channel(WAITING);
        let inner = inner.clone();
        let task = tokio::spawn(async move { inner.listen(&tell).await });
        Notices { heard: Some(heard), task: Some(task) }
    }
}

impl Notices {
    /// The next notice; never comes where there is no Redis. Nothing is lost when it is dropped early.
    pub async fn next(&mut self) -> Notice {
        match &mut self.heard {
            Some(heard) => match heard.recv().await {
                Some(notice) => notice,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
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
    async fn listen(&self, tell: &Sender<Notice>) {
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
        tell: &Sender<Notice>,
    ) {
        let mut notice = Some(Notice::Listening);
        loop {
            if let Some(notice) = notice.take()
                && tell.send(notice).await.is_err()
            {
                return;
            }
            match timeout(SILENCE, messages.recv()).await {
                Ok(Some(push)) if push.kind == PushKind::Disconnection => return,
                Ok(Some(push)) => notice = changed(&push),
                Ok(None) => return,
                Err(_) => {
                    let ping = redis::cmd("PING");
                    let pong = timeout(self.command, ping.query_async::<String>(&mut connection)).await;
                    if !matches!(pong, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }
}

/// What a message says. Those of another version, which can't be read, are left to the polling.
fn changed(push: &PushInfo) -> Option<Notice> {
    match (&push.kind, push.data.as_slice()) {
        (PushKind::Message, [_, Value::BulkString(message)]) => {
            let changed = serde_json::from_slice(message);
            changed
                .inspect_err(|error| tracing::debug!(%error, "a notice can't be read"))
                .ok()
                .map(Notice::Changed)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use martlet_domain::Timestamp;

    use super::*;
    use crate::testing::TestRedis;

    /// A product has changed.
    fn changed(number: u128) -> Changed {
        let change = Change {
            id: 7,
            at: Timestamp::from_millis(1_772_366_400_000),
            store: Some(Id::new(Uuid::from_u128(1))),
            kind: ChangeKind::Product,
            subject: Some(Uuid::from_u128(number)),
        };
        change.into()
    }

    #[test]
    fn a_notice_is_json_that_later_releases_may_add_to() {
        let written = serde_json::to_string(&changed(2)).unwrap();
        let id = |number: u8| format!("00000000-0000-0000-0000-{number:012}");
        let expected = format!(r#"{{"store":"{}","kind":"product","subject":"{}"}}"#, id(1), id(2));
        assert_eq!(written, expected);
        let later = r#"{"kind":"rulebook","store":null,"subject":null,"because":"of something new"}"#;
        let everybodys = Changed { store: None, kind: ChangeKind::Rulebook, subject: None };
        assert_eq!(serde_json::from_str::<Changed>(later).unwrap(), everybodys);
    }

    #[tokio::test]
    async fn what_one_publishes_all_hear() {
        let Some(server) = TestRedis::start().await else { return };
        let (here, there) = (server.connect(), server.connect());
        let mut heard = [here.notices(), there.notices()];
        for notices in &mut heard {
            assert_eq!(notices.next().await, Notice::Listening);
        }
        // Those of another version are passed over.
        server.command(&["PUBLISH", CHANGES, "{\"kind\":\"weather\"}"]).await;
        server.command(&["PUBLISH", CHANGES, "\0"]).await;
        server.command(&["PUBLISH", "another", "{}"]).await;
        for number in 0..1_000 {
            here.publish(changed(number)).await.unwrap();
        }
        for notices in &mut heard {
            for number in 0..1_000 {
                assert_eq!(notices.next().await, Notice::Changed(changed(number)));
            }
        }
    }

    #[tokio::test]
    async fn who_was_cut_off_is_told_that_something_may_be_missing() {
        let Some(mut server) = TestRedis::start().await else { return };
        let redis = server.connect();
        let mut notices = redis.notices();
        assert_eq!(notices.next().await, Notice::Listening);
        server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        assert_eq!(notices.next().await, Notice::Listening);
        server.restart().await;
        assert_eq!(notices.next().await, Notice::Listening);
        // The connection for commands is another one, which finds out for itself.
        while redis.publish(changed(1)).await.is_err() {}
        assert_eq!(notices.next().await, Notice::Changed(changed(1)));
    }

    #[tokio::test]
    async fn who_stops_listening_leaves_no_connection() {
        let Some(server) = TestRedis::start().await else { return };
        let mut notices = server.connect().notices();
        assert_eq!(notices.next().await, Notice::Listening);
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
        assert_eq!(Redis::off().publish(changed(1)).await, Err(Unavailable::Off));
    }
}
