//! The orders of the past, under other rules.

use std::{collections::HashMap, sync::Arc};

use martlet_domain::{
    Id,
    catalog::{Sku, Variant},
    order::Order,
    plugin::SealedRulebook,
    quote::{GiftInput, Input, ReadNow, Receipt, Recorded},
    settings::StoreSettings,
    simulation::SimulatedOutcome,
};
use martlet_store::{ReceiptEntry, ReceiptWindow, SimulatedOrder, SimulationHold, StoreError, StoredReceipt};

use super::{
    OrderResult, ProblemBody, Simulations, Step, Stopped,
    report::{Before, Report},
};
use crate::{
    api::money::MoneyBody,
    error::Error,
    price_cart::{settings, trial},
    rulebooks,
};

/// Orders of a step.
const STEP: u32 = 8;
/// Rulebooks of the past that are kept at a time.
const MOST_RULEBOOKS: usize = 32;

/// Which orders a simulation goes through: the last so many that were placed in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastOrders {
    pub(super) window: ReceiptWindow,
    pub(super) last: u32,
}

/// What a simulation knows while it goes through orders.
struct Run<'a> {
    simulations: &'a Simulations,
    hold: &'a SimulationHold,
    draft: &'a Arc<SealedRulebook>,
    /// Of what the draft may give away the variants as they were when the job began.
    gifts: HashMap<Sku, Variant>,
    settings: StoreSettings,
    /// Those that orders were priced under, or why they can't be read.
    rulebooks: HashMap<i64, Result<Arc<SealedRulebook>, String>>,
    report: Report,
}

/// An order that is ready to be priced.
struct Ready {
    recorded: Recorded,
    own: Arc<SealedRulebook>,
    input: Input,
}

impl Simulations {
    /// Goes through orders, those placed last first, step by step.
    pub(super) async fn try_orders(
        &self,
        hold: &SimulationHold,
        draft: &Arc<SealedRulebook>,
        orders: LastOrders,
    ) -> Result<(), Stopped> {
        let mut run = Run::new(self, hold, draft).await?;
        let (mut done, mut before): (u32, Option<Id<Order>>) = (0, None);
        loop {
            let left = STEP.min(orders.last - done);
            let page = match left {
                0 => Vec::new(),
                left => self.db.list_latest_receipts(hold.store, orders.window, before, left).await?,
            };
            let Some(last) = page.last() else { break };
            before = Some(last.order);
            let mut rows = Vec::with_capacity(page.len());
            for entry in page {
                done += 1;
                rows.push(run.row(i64::from(done), entry).await?);
            }
            self.store(hold, Step { done, result: run.report.body(None), orders: rows }).await?;
        }
        if done == 0 {
            self.store(hold, Step { done, result: run.report.body(None), orders: Vec::new() }).await?;
        }
        Ok(())
    }
}

impl<'a> Run<'a> {
    async fn new(
        simulations: &'a Simulations,
        hold: &'a SimulationHold,
        draft: &'a Arc<SealedRulebook>,
    ) -> Result<Self, Error> {
        let db = &simulations.db;
        let mut skus: Vec<Sku> =
            draft.installations.iter().flat_map(|installation| installation.gift_skus.clone()).collect();
        skus.sort();
        skus.dedup();
        let offers =
            if skus.is_empty() { Vec::new() } else { db.list_offers_by_sku(hold.store, &skus).await? };
        Ok(Self {
            simulations,
            hold,
            draft,
            gifts: offers.into_iter().map(|offer| (offer.variant.sku.clone(), offer.variant)).collect(),
            settings: settings(db, hold.store).await?,
            rulebooks: HashMap::new(),
            report: Report::default(),
        })
    }

    async fn row(&mut self, place: i64, entry: ReceiptEntry) -> Result<SimulatedOrder, Error> {
        let ReceiptEntry { order, number, receipt } = entry;
        let (outcome, result) = match receipt {
            Ok(receipt) => self.receipt(receipt).await?,
            Err(error @ StoreError::Corrupt { .. }) => self.damaged(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        let body = serde_json::to_string(&result)
            .map_err(|error| Error::Internal(format!("what came of an order can't be written: {error}")))?;
        Ok(SimulatedOrder { place, order, number, outcome, body })
    }

    async fn receipt(&mut self, receipt: StoredReceipt) -> Result<(SimulatedOutcome, OrderResult), Error> {
        let recorded = match Receipt::parse(&receipt.bytes) {
            Ok(recorded) => recorded,
            Err(error) => return Ok(self.damaged(format!("its receipt can't be read: {error}"))),
        };
        if *recorded.totals() != receipt.totals {
            return Ok(self.damaged("its totals are not those of its receipt".to_owned()));
        }
        let total = MoneyBody::new(receipt.totals.total, recorded.currency());
        let ready = match self.ready(recorded).await? {
            Ok(ready) => ready,
            Err(problem) => {
                return Ok(self.report.fail(Some(total), ProblemBody::new("rulebook_unavailable", problem)));
            }
        };
        let wanted = ready.input.wanted_method.clone();
        let walked = self.simulations.walk_in_turn(self.hold.store, ready.input, wanted.as_ref());
        let walked = walked.await?;
        self.report.count_calls(self.draft, &walked.calls);
        if let Some(problem) = walked.problem {
            return Ok(self.report.fail(Some(total), problem));
        }
        let before =
            Before { total: receipt.totals.total, verdicts: ready.recorded.verdicts(), rulebook: &ready.own };
        Ok(self.report.compare(before, &walked.quote, self.draft))
    }

    /// The order as it went in, under the draft; or why the rules that it was priced under aren't known.
    async fn ready(&mut self, recorded: Recorded) -> Result<Result<Ready, String>, Error> {
        let own = match self.rulebook(recorded.rulebook().number).await? {
            Ok(own) => own,
            Err(problem) => return Ok(Err(problem)),
        };
        let now = self.read_now(&recorded);
        let input = recorded.input_under(Arc::clone(self.draft), &own, now);
        Ok(input.map(|input| Ready { recorded, own, input }).map_err(|mismatch| mismatch.to_string()))
    }

    fn read_now(&self, recorded: &Recorded) -> ReadNow {
        let currency = recorded.currency();
        let unrecorded = recorded.unrecorded_gifts(self.draft);
        let gifts: Vec<GiftInput> =
            unrecorded.iter().filter_map(|sku| trial::gift(self.gifts.get(sku)?, currency)).collect();
        let country = recorded.destination().map(|destination| destination.country.as_str());
        ReadNow { gifts, own_methods: trial::own_methods(&self.settings, currency, country) }
    }

    async fn rulebook(&mut self, number: i64) -> Result<Result<Arc<SealedRulebook>, String>, Error> {
        if let Some(known) = self.rulebooks.get(&number) {
            return Ok(known.clone());
        }
        let db = &self.simulations.db;
        let found = match rulebooks::published(db, self.hold.store, number).await {
            Ok(rulebook) => Ok(rulebook),
            Err(Error::RulesUnavailable(problem)) => Err(problem.to_string()),
            Err(error) => return Err(error),
        };
        if self.rulebooks.len() >= MOST_RULEBOOKS {
            self.rulebooks.clear();
        }
        self.rulebooks.insert(number, found.clone());
        Ok(found)
    }

    fn damaged(&mut self, problem: String) -> (SimulatedOutcome, OrderResult) {
        self.report.fail(None, ProblemBody::new("receipt_damaged", problem))
    }
}
