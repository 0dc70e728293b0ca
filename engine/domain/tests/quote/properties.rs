//! What must hold for any cart, any rulebook and any answer. [`Case::price`] checks on every one of
//! them what is true of all quotes: see `support::invariants`.

mod any_case;
mod budgets;
mod recorded;
mod references;

use martlet_domain::{
    Id,
    money::MAX_PRICE,
    plugin::{GroupMode, Installation},
    quote::{Class, Outcome, Quote, Reason, Scope, Value},
};
use proptest::prelude::*;

use crate::support::*;
use any_case::{any_candidate, any_cart, any_case, sound_candidate};
use references::{bought_and_given, bundles_save, percentage, shared, units};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(400))]

    /// Whatever is proposed, the sums are right, and the same input gives the same bytes, whoever
    /// answers first.
    #[test]
    fn quotes_add_up_and_repeat(case in any_case()) {
        let first = case.price();
        let again = case.price();
        prop_assert_eq!(first.quote.receipt.bytes(), again.quote.receipt.bytes());
        let backwards = case.price_answered_backwards();
        prop_assert_eq!(first.quote.receipt.digest(), backwards.quote.receipt.digest());
        prop_assert_eq!(first.quote, backwards.quote);
    }

    /// A rulebook that lists its installations in another order is another rulebook, but prices alike.
    #[test]
    fn the_order_in_a_rulebook_means_nothing(case in any_case()) {
        let mut shuffled = case.clone();
        shuffled.rulebook.installations.reverse();
        shuffled.rulebook.groups.reverse();
        let (one, other) = (case.price().quote, shuffled.price().quote);
        prop_assert_eq!(one.verdicts, other.verdicts);
        prop_assert_eq!((one.lines, one.totals), (other.lines, other.totals));
    }

    /// Without the candidates that were refused as unsound the cart comes to the same.
    #[test]
    fn unsound_candidates_change_nothing(case in any_case()) {
        let with = case.price().quote;
        let mut sound = case.clone();
        for plugin in &mut sound.plugins {
            let id = plugin.installation.id;
            if let Answers::Is(outcome) = &mut plugin.answers {
                keep_sound(outcome, &with, id);
            }
            let Answers::InPlace(candidates) = &mut plugin.answers else { continue };
            candidates.retain(|candidate| !with.verdicts.iter().any(|verdict| {
                verdict.source.installation == id
                    && verdict.key.as_deref() == Some(&candidate.key)
                    && verdict.is_unsound()
            }));
        }
        let without = sound.price().quote;
        prop_assert!(!without.verdicts.iter().any(Unsound::is_unsound));
        prop_assert_eq!((with.lines, with.totals), (without.lines, without.totals));
        prop_assert_eq!((with.shipping, with.gifts), (without.shipping, without.gifts));
    }

    /// An answer of anything at all, the same in every stage.
    #[test]
    fn no_answer_panics(case in any_cart(), candidates in prop::collection::vec(any_candidate(), 1..6)) {
        let proposal = martlet_domain::quote::Proposal { candidates, declined: Vec::new() };
        let everything = [Class::Line, Class::Order, Class::Gift, Class::Shipping, Class::Total];
        case.with(promotion([]).classes(&everything).answers(Answers::Always(proposal))).price();
    }

    /// `best` looks at all that `first` looks at.
    #[test]
    fn best_never_saves_less_than_first(
        case in any_cart(),
        rivals in prop::collection::vec(prop::collection::vec(sound_candidate(), 1..4), 1..5),
    ) {
        let total = |mode| {
            let case = case.clone().group("g", of(Class::Line), 0, mode);
            let quantities: Vec<u32> = case.input.lines.iter().map(|line| line.quantity).collect();
            let case = rivals.iter().fold(case, |case, rival| {
                let rival = rival.iter().map(|raw| raw.on(&quantities, Some(Class::Line))).collect();
                case.with(plugin(martlet_domain::plugin::World::Promotion, rival).group("g"))
            });
            case.price().quote.totals.goods_discount
        };
        prop_assert!(total(GroupMode::Best) >= total(GroupMode::First));
    }
}

proptest! {
    #![proptest_config(cases(600))]

    /// Shares of runs are those of units, one by one, with floors and unlike units.
    #[test]
    fn across_is_what_it_is_unit_by_unit(case in small_cart(), amount in 0..6_000i64) {
        let before = units(&case.price());
        let floors: Vec<i64> = case.input.lines.iter().map(|line| line.floor).collect();
        let after = units(&case.with(promotion([across(amount)]).priority(-1)).price());
        prop_assert_eq!(after, shared(before, &floors, amount));
    }

    /// The same for percentages, rounded by line or once.
    #[test]
    fn a_percentage_is_what_it_is_unit_by_unit(case in small_cart(), share in 0..=1_000_000u32, by_line: bool) {
        let before = units(&case.price());
        let floors: Vec<i64> = case.input.lines.iter().map(|line| line.floor).collect();
        let class = if by_line { Class::Line } else { Class::Order };
        let percent = candidate(class, Value::Percent(martlet_domain::money::Ppm(share)));
        let after = units(&case.with(promotion([percent]).priority(-1)).price());
        prop_assert_eq!(after, percentage(before, &floors, share, by_line));
    }

    /// Runs are picked as units are, one by one, from scopes that may overlap.
    #[test]
    fn buy_x_get_y_picks_as_unit_by_unit(
        case in small_cart(),
        scopes in (small_scope(), small_scope()),
        counts in (1..4u32, 1..4u32),
        most in prop::option::of(1..4u32),
    ) {
        let mut case = case;
        case.input.lines.iter_mut().for_each(|line| line.floor = 0);
        let before = units(&case.price());
        let scope = |scope: &RawScope| scope.of(&before);
        let (buy, get) = (scope(&scopes.0), scope(&scopes.1));
        let mut offer = buy_get(counts.0, buy.clone(), counts.1, get.clone());
        if let Some(most) = most {
            offer = offer.most(most);
        }
        let after = units(&case.clone().with(promotion([offer]).priority(-1)).price());
        let mut expected = bought_and_given(&before, &buy, &get, counts, most.unwrap_or(u32::MAX));
        let mut found = after;
        found.iter_mut().chain(&mut expected).for_each(|line| line.sort_unstable());
        prop_assert_eq!(found, expected);
    }

    /// Bundles save what they save one by one.
    #[test]
    fn bundles_save_as_unit_by_unit(
        case in small_cart(),
        parts in prop::collection::vec((small_scope(), 1..4u32), 1..4),
        price in 0..1_500i64,
        most in prop::option::of(1..4u32),
    ) {
        let mut case = case;
        case.input.lines.iter_mut().for_each(|line| line.floor = 0);
        let before = units(&case.price());
        let parts: Vec<(Scope, u32)> =
            parts.iter().map(|(scope, count)| (scope.of(&before), *count)).collect();
        let mut offer = bundle(price, &parts);
        if let Some(most) = most {
            offer = offer.most(most);
        }
        let sum = |units: &[Vec<i64>]| units.iter().flatten().sum::<i64>();
        let after = units(&case.clone().with(promotion([offer]).priority(-1)).price());
        let saved = bundles_save(&before, &parts, price, most.unwrap_or(u32::MAX));
        prop_assert_eq!(sum(&before) - sum(&after), saved);
    }

    /// Of n units, x + y at a time give y, and a rest gives what is beyond x.
    #[test]
    fn buy_x_get_y_gives_as_many_as_it_says(
        quantities in prop::collection::vec(1..30u32, 1..6),
        prices in prop::collection::vec(1..1_000i64, 6),
        counts in (1..5u32, 1..5u32),
    ) {
        let cart = quantities.iter().zip(&prices).fold(krw(), |cart, (count, price)| cart.line(*count, *price));
        let after = units(&cart.with(promotion([buy_get_any(counts.0, counts.1)])).price());
        let free = after.iter().flatten().filter(|left| **left == 0).count();
        let (all, x, y) = (quantities.iter().sum::<u32>(), counts.0, counts.1);
        let given = all / (x + y) * y + (all % (x + y)).saturating_sub(x);
        prop_assert_eq!(free, given as usize);
    }

    /// However many offers there are, no unit is halved twice.
    #[test]
    fn no_unit_is_given_twice(
        quantities in prop::collection::vec(1..30u32, 1..6),
        halves in prop::collection::vec(1..500i64, 6),
        offers in prop::collection::vec((1..4u32, 1..4u32, prop::option::of(1..4u32)), 1..5),
    ) {
        let cart = quantities.iter().zip(&halves).fold(krw(), |cart, (count, half)| cart.line(*count, 2 * half));
        let cart = offers.iter().fold(cart, |cart, (x, y, most)| {
            let offer = buy_get_any(*x, *y).half();
            cart.with(promotion([if let Some(most) = most { offer.most(*most) } else { offer }]))
        });
        for line in &cart.price().quote.lines {
            for run in &line.units {
                prop_assert!(run.left == run.list_amount || 2 * run.left == run.list_amount, "{:?}", line.units);
            }
        }
    }
}

/// The fullest cart, and candidates of the largest numbers in every stage.
#[test]
fn the_fullest_cart_bears_the_largest_candidates() {
    let cart = (0..500).fold(krw().tax(1_000_000).exclusive().shipping(MAX_PRICE), |cart, number| {
        cart.line(10_000, MAX_PRICE - number).floor(number)
    });
    let offers = [buy_get_any(3, 2).half(), bundle(7, &[(Scope::All, 3)]), line_percent(33).capped(i64::MAX)];
    let later = [across(i64::MAX / 3), order_percent(99).class(Class::Total), order_percent(1)];
    let priced = cart.with(promotion(offers)).with(promotion(later)).price();
    assert!(!priced.quote.verdicts.iter().any(|verdict| verdict.is_unsound()));
}

/// Takes out of an answer what a quote has refused as unsound. It has a verdict on each thing, in order.
fn keep_sound(outcome: &mut Outcome, quote: &Quote, installation: Id<Installation>) {
    let verdicts = quote.verdicts.iter().filter(|verdict| verdict.source.installation == installation);
    let mut verdicts = verdicts.map(Unsound::is_unsound);
    let mut is_sound = || !verdicts.next().unwrap();
    match outcome {
        Outcome::Rated(rates) => rates.rates.retain(|_| is_sound()),
        Outcome::Taxed(taxes) => taxes.rates.retain(|_| is_sound()),
        Outcome::Validated(objections) => objections.retain(|_| is_sound()),
        Outcome::Proposed(_) | Outcome::Failed(_) => {}
    }
}

trait Unsound {
    fn is_unsound(&self) -> bool;
}

impl Unsound for martlet_domain::quote::Verdict {
    fn is_unsound(&self) -> bool {
        use martlet_domain::quote::Decision::Rejected;
        matches!(self.decision, Rejected(Reason::Invalid(_) | Reason::ClassNotAllowed | Reason::WrongStage))
    }
}

/// A cart of a few units, some of which have become cheaper than their neighbours.
fn small_cart() -> impl Strategy<Value = Case> {
    let line = (1..7u32, 1..400i64, prop_oneof![3 => Just(0), 1 => 0..=1_000i64]);
    let cheaper = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..300i64);
    (prop::collection::vec(line, 1..5), prop::collection::vec(cheaper, 0..4)).prop_map(|(lines, cheaper)| {
        let cart = lines.iter().fold(krw(), |cart, (quantity, price, permille)| {
            cart.line(*quantity, *price).floor(price * permille / 1_000)
        });
        cheaper.iter().fold(cart, |cart, (line, units, off)| {
            let position = line.index(lines.len());
            let units = 1 + u32::try_from(units.index(lines[position].0 as usize)).unwrap();
            let scope = some_of(u32::try_from(position).unwrap(), units);
            cart.with(promotion([each(*off).over(scope)]))
        })
    })
}

/// A scope in the making: which lines, and how many of each.
#[derive(Debug, Clone)]
struct RawScope(Option<Vec<Option<Option<prop::sample::Index>>>>);

fn small_scope() -> impl Strategy<Value = RawScope> {
    let line = prop::option::of(prop::option::of(any::<prop::sample::Index>()));
    prop::option::of(prop::collection::vec(line, 4)).prop_map(RawScope)
}

impl RawScope {
    fn of(&self, units: &[Vec<i64>]) -> Scope {
        let Some(lines) = &self.0 else { return Scope::All };
        let named = units.iter().zip(lines).enumerate().filter_map(|(position, (units, line))| {
            let quantity = line.as_ref()?.map(|index| 1 + u32::try_from(index.index(units.len())).unwrap());
            let position = u32::try_from(position).unwrap();
            Some(martlet_domain::quote::ScopeLine { position, quantity })
        });
        let named: Vec<_> = named.collect();
        if named.is_empty() { Scope::All } else { Scope::Lines(named) }
    }
}
