//! Where Redis is: one server, or a cluster.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _,
    ProtocolVersion, RedisResult, TlsCertificates,
    aio::MultiplexedConnection,
    cluster::ClusterClient,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::{sync::mpsc::UnboundedSender, time::timeout};

use super::line::Wire;
use crate::config::RedisConfig;

/// Commands that wait to be written on the one connection that all share. The budgets bound the wait.
const QUEUE: usize = 1_024;
/// After how long a peer that acknowledges nothing is given up, so that a host which vanished without
/// a word, as in a failover, isn't talked to for the quarter of an hour that the kernel would.
const PEER_LOST_AFTER: Duration = Duration::from_secs(5);
/// How often an idle peer is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Tries of a command that a cluster sends elsewhere. Our own budget is around all of them.
const CLUSTER_RETRIES: u32 = 3;
/// Longest pause between them, in milliseconds.
const CLUSTER_RETRY_WAIT: u64 = 10;

/// An address can't be used. The words never contain it, since it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redis.url {0}")]
pub struct BadAddress(String);

impl BadAddress {
    fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// Where Redis is.
pub(crate) struct Target {
    place: Place,
    connect_timeout: Duration,
}

enum Place {
    One(Box<Client>),
    Cluster { client: Box<ClusterClient>, nodes: Vec<ConnectionInfo> },
}

impl Target {
    /// What a configuration means; nothing where it names no address. `ca` is what certificates lead
    /// to, in PEM form, in place of what the operating system trusts.
    pub(crate) fn of(config: &RedisConfig, ca: Option<&[u8]>) -> Result<Option<Self>, BadAddress> {
        let Some(url) = &config.url else { return Ok(None) };
        let trusted = ca.map(|ca| TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) });
        let place = if config.cluster {
            cluster(url.reveal(), config, trusted)?
        } else {
            Place::One(Box::new(client(address(url.reveal())?, trusted)?))
        };
        Ok(Some(Self { place, connect_timeout: config.connect_timeout() }))
    }

    /// Host and port of the first server, for the log.
    pub(super) fn name(&self) -> String {
        match &self.place {
            Place::One(client) => client.get_connection_info().addr().to_string(),
            Place::Cluster { nodes, .. } => format!("the cluster at {}", nodes[0].addr()),
        }
    }

    /// A connection for commands.
    pub(super) async fn connect(&self) -> RedisResult<Wire> {
        match &self.place {
            Place::One(client) => {
                let config = self.connection().set_pipeline_buffer_size(QUEUE);
                client.get_multiplexed_async_connection_with_config(&config).await.map(Wire::One)
            }
            // The nodes are asked at once, and then for one another.
            Place::Cluster { client, .. } => {
                match timeout(2 * self.connect_timeout, client.get_async_connection()).await {
                    Ok(connection) => connection.map(Wire::Cluster),
                    Err(_) => Err((ErrorKind::Io, "connecting took too long").into()),
                }
            }
        }
    }

    /// A connection on which messages arrive: to one of a cluster's nodes, another one each turn.
    pub(super) async fn connect_for_messages(
        &self,
        turn: usize,
        messages: UnboundedSender<redis::PushInfo>,
    ) -> RedisResult<MultiplexedConnection> {
        let info = match &self.place {
            Place::One(client) => client.get_connection_info(),
            Place::Cluster { nodes, .. } => &nodes[turn % nodes.len()],
        };
        // Messages come between answers in RESP3 alone.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.clone().set_redis_settings(settings))?;
        let config = self.connection().set_push_sender(messages);
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Answers have no time-out here: every call has a budget around it.
    fn connection(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(None)
    }
}

fn cluster(urls: &str, config: &RedisConfig, trusted: Option<TlsCertificates>) -> Result<Place, BadAddress> {
    let node = |url: &str| {
        let client = client(address(url.trim())?, trusted.clone())?;
        Ok(client.get_connection_info().clone())
    };
    let nodes = urls.split(',').map(node).collect::<Result<Vec<_>, _>>()?;
    if nodes.iter().any(|node| node.redis_settings().db() != 0) {
        return Err(BadAddress::new("names a database, and a cluster has no others than 0"));
    }
    let mut builder = ClusterClient::builder(nodes.iter().cloned());
    if let Some(trusted) = trusted {
        builder = builder.certs(trusted);
    }
    let client = builder
        .tcp_settings(tcp())
        .connection_timeout(config.connect_timeout())
        .response_timeout(config.command_budget())
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(1)
        .max_retry_wait(CLUSTER_RETRY_WAIT)
        .build()
        // The nodes differ in what they must share: password, user, encryption.
        .map_err(|error| BadAddress::new(format!("can't be a cluster: {error}")))?;
    Ok(Place::Cluster { client: Box::new(client), nodes })
}

fn client(info: ConnectionInfo, trusted: Option<TlsCertificates>) -> Result<Client, BadAddress> {
    let client = match trusted {
        Some(trusted) => Client::build_with_tls(info, trusted),
        None => Client::open(info),
    };
    client.map_err(|error| BadAddress::new(format!("can't be used: {error}")))
}

fn address(url: &str) -> Result<ConnectionInfo, BadAddress> {
    if !["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(BadAddress::new("begins with redis:// or rediss://"));
    }
    if url.contains(",redis://") || url.contains(",rediss://") {
        return Err(BadAddress::new("names several servers, which takes redis.cluster = true"));
    }
    let info = url.into_connection_info().map_err(|_| {
        BadAddress::new("is not of the form redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]")
    })?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(BadAddress::new("must not switch off the check of certificates with #insecure"));
    }
    Ok(info.set_tcp_settings(tcp()))
}

fn tcp() -> TcpSettings {
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE).with_interval(PEER_LOST_AFTER));
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(PEER_LOST_AFTER);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn target(url: &str, cluster: bool) -> Result<String, String> {
        let config = RedisConfig { url: Some(Secret::new(url)), cluster, ..RedisConfig::default() };
        match Target::of(&config, None) {
            Ok(target) => Ok(target.unwrap().name()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn one_server_is_named_by_one_address() {
        assert!(Target::of(&RedisConfig::default(), None).unwrap().is_none());
        assert_eq!(target("redis://localhost", false).unwrap(), "localhost:6379");
        assert_eq!(target("redis://:p%2Fw,x@[::1]:7000/3", false).unwrap(), "::1:7000");
        assert_eq!(
            target("rediss://user:pw@cache.example.com:6380", false).unwrap(),
            "cache.example.com:6380"
        );
    }

    #[test]
    fn a_cluster_is_named_by_some_of_its_nodes() {
        let one = target("rediss://clustercfg.shop.example.com:6379", true);
        assert_eq!(one.unwrap(), "the cluster at clustercfg.shop.example.com:6379");
        let two = target("redis://:pw@10.0.0.1:7000, redis://:pw@10.0.0.2:7000", true);
        assert_eq!(two.unwrap(), "the cluster at 10.0.0.1:7000");
    }

    #[test]
    fn other_addresses_are_refused_without_being_shown() {
        let cases = [
            ("", false, "begins with redis"),
            ("http://u:hunter2@h", false, "begins with redis"),
            ("redis-cluster://:hunter2@h", true, "begins with redis"),
            ("redis://:hunter2@h:port", false, "of the form"),
            ("redis://:hunter2@h/db", false, "of the form"),
            ("redis://:hunter2@a,redis://:hunter2@b", false, "redis.cluster = true"),
            ("rediss://:hunter2@h/#insecure", false, "#insecure"),
            ("rediss://:hunter2@h/#hunter2", false, "of the form"),
            ("redis://:hunter2@h/1", true, "no others than 0"),
            ("redis://:hunter2@a,redis://b", true, "different password"),
            ("redis://:hunter2@a,rediss://:hunter2@b", true, "different TLS modes"),
            ("redis://:hunter2@a,,redis://:hunter2@b", true, "begins with redis"),
        ];
        for (url, cluster, expected) in cases {
            let error = target(url, cluster).unwrap_err();
            assert!(error.starts_with("redis.url ") && error.contains(expected), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
