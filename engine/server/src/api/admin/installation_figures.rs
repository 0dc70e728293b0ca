//! `GET /api/v1/admin/installations/{installation}/figures`: what a plugin at work does, in numbers.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use martlet_domain::{
    Id,
    figures::{Activity, Amounts, Counts, FUEL_BOUNDS, Figures, Histogram, LATENCY_BOUNDS, Trouble},
    money::Money,
    plugin::{Granted, Installation},
};
use martlet_store::Db;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{money::MoneyBody, time::Time},
    clock::Clock,
    error::Error,
    extract::{Json, Path, Staff},
    figures::Counters,
};

/// What an installation did, all instances together. Instances tell each other every five seconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstallationFigures)]
pub struct FiguresBody {
    /// The installation.
    #[schema(value_type = Uuid)]
    pub installation: Id<Installation>,
    /// Name of its plugin.
    pub plugin: String,
    /// Its version.
    pub plugin_version: String,
    /// This moment.
    pub as_of: Time,
    /// What it did to carts that shoppers had priced.
    pub live: ActivityBody,
    /// What it would have done, in the stage `shadow`.
    pub shadow: ShadowBody,
    /// What became of its discounts.
    pub orders: OrdersBody,
    /// What is left of its budget; null where it has none.
    pub budget: Option<BudgetBody>,
    /// What is left of its budget of the day, which is one of UTC; null where it has none.
    pub daily_budget: Option<BudgetBody>,
    /// What it may give each customer; null where that has no limit. What is left differs by customer.
    pub customer_budget: Option<MoneyBody>,
    /// What it logged.
    pub logs: LogsBody,
    /// The last time that it failed too often; null where it never has.
    pub trouble: Option<TroubleBody>,
}

/// What an installation was asked, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityBody {
    /// Times that a cart was priced and it was asked, or something of it was decided on.
    pub carts: u64,
    /// Calls: one a stage that it joins, and one a coupon.
    pub calls: u64,
    /// Calls without an answer.
    pub failed: u64,
    /// The same by what went wrong, such as `out_of_fuel`; `not_loaded` where its component can't be run.
    pub failures: BTreeMap<String, u64>,
    /// What came into effect: discounts that `applied`, shipping methods that were `offered`, tax rates that
    /// were `taxed` by, carts that `passed`, reasons that were `objected`.
    pub effects: BTreeMap<String, u64>,
    /// What didn't, by the code of its reason, such as `below_minimum_spend`.
    pub rejected: BTreeMap<String, u64>,
    /// How long calls took, in microseconds.
    pub latency_us: HistogramBody,
    /// Fuel that calls burnt.
    pub fuel: HistogramBody,
}

/// Values counted by how large they are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Histogram)]
pub struct HistogramBody {
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum: u64,
    /// How many there were of each size. The bounds never change.
    pub buckets: Vec<BucketBody>,
}

/// Values of one size.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bucket)]
pub struct BucketBody {
    /// The largest of them; null where there is no bound. The smallest is above the bucket before.
    pub at_most: Option<u64>,
    /// How many there were.
    pub count: u64,
}

/// What an installation would have done. Carts are tried after shoppers have their answer, all installations
/// in the stage `shadow` together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShadowFigures)]
pub struct ShadowBody {
    /// What it was asked, and what would have come of it.
    #[serde(flatten)]
    pub activity: ActivityBody,
    /// Carts of which a discount of its would have applied.
    pub carts_applied: u64,
    /// What it would have taken off.
    pub discounts: Vec<MoneyBody>,
    /// By how much those carts' totals would have been higher or, below 0, lower.
    pub total_changes: Vec<MoneyBody>,
    /// Carts that weren't tried, because the engine had enough to do.
    pub skipped: u64,
}

/// What became of an installation's discounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderFigures)]
pub struct OrdersBody {
    /// Orders that were paid and have a discount of its. One that is cancelled later stays counted.
    pub paid: u64,
    /// What it took off those.
    pub discounts: Vec<MoneyBody>,
}

/// What is left of a budget, as the database has it at this moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetLeft)]
pub struct BudgetBody {
    /// What it may give.
    pub limit: MoneyBody,
    /// What orders hold of it.
    pub granted: MoneyBody,
    /// What is left.
    pub left: MoneyBody,
}

/// What an installation logged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogFigures)]
pub struct LogsBody {
    /// Lines that were kept. The newest 1,000 still are.
    pub kept: u64,
    /// Lines that weren't: at most 100 in five seconds and instance are, the newest.
    pub dropped: u64,
}

/// That an installation failed too often.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trouble)]
pub struct TroubleBody {
    /// When it was noticed.
    pub at: Time,
    /// What went wrong.
    pub reason: String,
    /// Whether it was switched off for it. What blocks orders when it fails isn't.
    pub quarantined: bool,
}

/// What a plugin at work does, in numbers.
#[utoipa::path(get, path = "/api/v1/admin/installations/{installation}/figures", tag = "admin",
    operation_id = "admin_get_installation_figures",
    params(("installation" = Uuid, Path, description = "Id of the installation")), security(("api_key" = ["installations:read"])),
    responses(
        (status = 200, description = "The figures", body = FiguresBody),
        (status = 401, description = "`unauthenticated`", body = crate::problem::Problem),
        (status = 404, description = "`not_found`", body = crate::problem::Problem)))]
pub async fn get(
    staff: Staff,
    State(db): State<Db>,
    State(clock): State<Clock>,
    State(counters): State<Arc<Counters>>,
    Path(id): Path<Id<Installation>>,
) -> Result<Json<FiguresBody>, Error> {
    let store = staff.store.id;
    let installation = db.find_installation(store, id).await?.ok_or_else(Error::not_found::<Installation>)?;
    let figures = counters.figures(store, id).await?;
    let now = clock.now();
    let granted = db.budget_grants(store, &[&installation], now.day(), None).await?;
    let granted = granted.get(&id).copied().unwrap_or_default();
    Ok(Json(body(installation, figures, granted, Time(now))))
}

fn body(installation: Installation, figures: Figures, granted: Granted, as_of: Time) -> FiguresBody {
    let Figures { live, shadow, orders, discounts, log_lines, log_lines_dropped, trouble } = figures;
    FiguresBody {
        installation: installation.id,
        plugin: installation.plugin,
        plugin_version: installation.version,
        as_of,
        live: live.into(),
        shadow: ShadowBody {
            activity: shadow.activity.into(),
            carts_applied: shadow.carts_applied,
            discounts: amounts(&shadow.discounts),
            total_changes: amounts(&shadow.total_changes),
            skipped: shadow.skipped,
        },
        orders: OrdersBody { paid: orders, discounts: amounts(&discounts) },
        budget: installation.budget.map(|limit| budget(limit, granted.total)),
        daily_budget: installation.daily_budget.map(|limit| budget(limit, granted.today)),
        customer_budget: installation.customer_budget.map(MoneyBody::from),
        logs: LogsBody { kept: log_lines, dropped: log_lines_dropped },
        trouble: trouble.map(|Trouble { at, reason, quarantined }| TroubleBody {
            at: Time(at),
            reason,
            quarantined,
        }),
    }
}

impl From<Activity> for ActivityBody {
    fn from(activity: Activity) -> Self {
        Self {
            carts: activity.carts,
            calls: activity.calls,
            failed: activity.failures.total(),
            failures: counts(&activity.failures),
            effects: counts(&activity.effects),
            rejected: counts(&activity.rejected),
            latency_us: histogram(&activity.latency, &LATENCY_BOUNDS),
            fuel: histogram(&activity.fuel, &FUEL_BOUNDS),
        }
    }
}

fn histogram(histogram: &Histogram, bounds: &[u64]) -> HistogramBody {
    let buckets = histogram.buckets(bounds).map(|(at_most, count)| BucketBody { at_most, count });
    HistogramBody { count: histogram.count(), sum: histogram.sum(), buckets: buckets.collect() }
}

fn counts(counts: &Counts) -> BTreeMap<String, u64> {
    counts.iter().map(|(word, count)| (word.to_owned(), count)).collect()
}

fn amounts(amounts: &Amounts) -> Vec<MoneyBody> {
    amounts.iter().map(MoneyBody::from).collect()
}

fn budget(limit: Money, granted: i64) -> BudgetBody {
    let of = |amount| MoneyBody::new(amount, limit.currency);
    let left = limit.minor_units.saturating_sub(granted).max(0);
    BudgetBody { limit: limit.into(), granted: of(granted), left: of(left) }
}
