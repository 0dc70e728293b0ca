//! How many requests of a kind one side may make.
//!
//! Each route counts in one [`Group`]; `router.rs` has the table. An instance counts by itself, in memory,
//! and refuses whoever is above the numbers before anything else is asked. Where there is a Redis, all
//! instances count together as well, except what must not cost a round trip. While Redis gives no answer
//! an instance's own count decides, so that what is allowed is at most multiplied by the instances.
//!
//! A firewall in front may have a limit of its own. It counts all requests of an address alike; these
//! count by what a request costs and by what can be guessed with it.

mod describe;
mod known;
mod layer;
mod local;
mod tally;
#[cfg(test)]
mod tests;
mod whom;

use std::{cmp::Reverse, num::NonZeroU32, time::Duration};

use martlet_domain::{Id, settings::Store};
use prometheus::{IntCounterVec, Opts, Registry};

use self::{known::KnownKeys, local::Local};
use crate::{
    clock::Clock,
    config::LimitsConfig,
    redis::{
        Redis,
        gcra::{Quota, Verdict},
    },
};

pub use self::{describe::describe, layer::hold, tally::Tally, whom::Whom};

/// How often what is full again is forgotten.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(60);

/// A kind of request, with numbers of its own in [`LimitsConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Looking at what there is.
    Browse,
    /// Carts, and what belongs to a customer.
    Carts,
    /// Registering and signing in.
    Login,
    /// Trying coupons.
    Coupon,
    /// Ordering.
    Checkout,
    /// The merchants' side.
    Admin,
    /// Giving the engine components.
    Upload,
}

/// The numbers of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute for long.
    pub per_minute: NonZeroU32,
    /// Requests at once, of who has rested.
    pub burst: NonZeroU32,
}

/// The limits of a process.
#[derive(Debug)]
pub struct Limits {
    /// By group; nothing where requests aren't limited.
    groups: Option<[Numbers; Group::ALL.len()]>,
    known: KnownKeys,
    redis: Redis,
    refused: IntCounterVec,
}

#[derive(Debug)]
struct Numbers {
    local: Local,
    quota: Quota,
}

impl Group {
    /// Every group there is.
    pub const ALL: [Self; 7] =
        [Self::Browse, Self::Carts, Self::Login, Self::Coupon, Self::Checkout, Self::Admin, Self::Upload];

    /// Its name in settings, problems, metrics and Redis.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Carts => "carts",
            Self::Login => "login",
            Self::Coupon => "coupon",
            Self::Checkout => "checkout",
            Self::Admin => "admin",
            Self::Upload => "upload",
        }
    }

    /// Whether instances count together. Looking at goods is answered from memory and must not wait for
    /// a round trip.
    pub const fn is_shared(self) -> bool {
        !matches!(self, Self::Browse)
    }
}

impl Limits {
    /// The limits of a configuration, by a clock and, where there is one, with others by a Redis.
    pub fn new(config: &LimitsConfig, clock: &Clock, redis: Redis) -> Result<Self, prometheus::Error> {
        let numbers = |group| {
            let rate = config.rate(group);
            Numbers { local: Local::new(rate, clock), quota: Quota::per_minute(rate.per_minute, rate.burst) }
        };
        Ok(Self {
            groups: config.enabled.then(|| Group::ALL.map(numbers)),
            known: KnownKeys::default(),
            redis,
            refused: IntCounterVec::new(
                Opts::new("http_requests_limited_total", "Requests refused because there were too many"),
                &["group", "by"],
            )?,
        })
    }

    /// Shows its metrics in a registry.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.refused.clone()))
    }

    /// Whether requests are limited at all.
    pub const fn is_enabled(&self) -> bool {
        self.groups.is_some()
    }

    /// Whether other instances are asked about requests of a group.
    fn is_shared(&self, group: Group) -> bool {
        self.is_enabled() && group.is_shared() && self.redis.is_configured()
    }

    /// Counts a request in this instance against each of those it is made by, up to the first that makes
    /// too many: what the tightest says; nothing where requests aren't limited. Comes before
    /// [`Self::count_together`]: a flood of requests is none of calls to Redis or the database.
    fn count_here(&self, group: Group, whom: &[Whom]) -> Option<Verdict> {
        let numbers = &self.groups.as_ref()?[group as usize];
        let mut tightest = None;
        for one in whom {
            let verdict = numbers.local.count(&one.digest());
            if self.refuses(&mut tightest, verdict, group, one) {
                break;
            }
        }
        tightest
    }

    /// Counts it with those of the other instances of a store as well; nothing where Redis gives no
    /// answer, so that this instance's own count has decided.
    async fn count_together(&self, group: Group, whom: &[Whom], store: Id<Store>) -> Option<Verdict> {
        let quota = self.groups.as_ref()?[group as usize].quota;
        if !self.is_shared(group) {
            return None;
        }
        let mut tightest = None;
        for one in whom {
            let Ok(verdict) = self.redis.limit(store, group.name(), &one.digest(), quota).await else {
                break;
            };
            if self.refuses(&mut tightest, verdict, group, one) {
                break;
            }
        }
        tightest
    }

    /// Whether a verdict refuses. The tighter of it and those before is kept.
    fn refuses(&self, tightest: &mut Option<Verdict>, new: Verdict, group: Group, whom: &Whom) -> bool {
        *tightest = Some(tightest.map_or(new, |old| tighter(old, new)));
        if !new.allowed {
            self.refused.with_label_values(&[group.name(), whom.kind()]).inc();
        }
        !new.allowed
    }

    /// Forgets, for as long as it runs, who may do everything again.
    pub async fn run(&self) {
        let mut due = tokio::time::interval(FORGOTTEN_EVERY);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            self.forget();
        }
    }

    fn forget(&self) {
        self.groups.iter().flatten().for_each(|numbers| numbers.local.forget());
    }
}

/// That of two verdicts which leaves less.
fn tighter(one: Verdict, other: Verdict) -> Verdict {
    let order = |verdict: &Verdict| (verdict.allowed, verdict.remaining, Reverse(verdict.reset));
    if order(&other) < order(&one) { other } else { one }
}

/// Whole seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
