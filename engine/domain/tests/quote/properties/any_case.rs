//! Any cart, any rulebook, any answers.

use martlet_domain::{
    cart::MAX_QUANTITY,
    money::{MAX_PRICE, Ppm},
    plugin::{FailurePolicy, GroupClass, GroupMode, World},
    quote::{
        Basis, Bundle, BundlePart, BuyXGetY, Candidate, Class, DeliveryDays, Failure, Gift, Message, Minimum,
        Objection, Outcome, Rates, Scope, ScopeLine, ShippingRate, TaxRate, TaxScope, Taxes, Threshold,
        Value,
    },
};
use proptest::{collection::vec, option, prelude::*};

use crate::support::*;

const CLASSES: [Class; 5] = [Class::Line, Class::Order, Class::Shipping, Class::Total, Class::Gift];
/// Handles of methods that components offer.
const METHODS: [&str; 3] = ["slow", "fast", "pickup"];
const MODES: [GroupMode; 4] = [GroupMode::Stack, GroupMode::Best, GroupMode::First, GroupMode::Stop];

/// Lines, shipping, tax and gifts; nobody is installed.
pub(super) fn any_cart() -> impl Strategy<Value = Case> {
    let amount =
        prop_oneof![8 => 0..=10_000_000i64, 2 => 0..=20i64, 1 => 0..=MAX_PRICE, 1 => Just(MAX_PRICE)];
    let quantity = prop_oneof![12 => 1..=50u32, 1 => 1..=MAX_QUANTITY, 1 => Just(MAX_QUANTITY)];
    let floor = prop_oneof![4 => Just(0i64), 1 => 0..=1_000i64, 1 => Just(1_000)];
    let category = prop_oneof![Just("standard"), Just("food"), Just("books")];
    let shipping = option::of(prop_oneof![8 => 0..=10_000i64, 1 => Just(MAX_PRICE)]);
    let tax = (0..=300_000u32, prop_oneof![9 => 0..=100_000u32, 1 => Just(1_000_000)], any::<bool>());
    (vec((quantity, amount, floor, category), 1..=30), shipping, tax, 0..5i64).prop_map(
        |(lines, shipping, (standard, food, exclusive), mugs)| {
            let case = lines.into_iter().fold(krw(), |case, (quantity, amount, permille, category)| {
                case.line(quantity, amount).floor(amount / 1_000 * permille).category(category)
            });
            let case = case.tax(standard).rate("food", food).rate("books", 0);
            let case = case.stocked_gift("MUG", 800, mugs).stocked_gift("SAMPLE", 0, i64::MAX);
            let case = if exclusive { case.exclusive() } else { case };
            match shipping {
                Some(amount) => case.shipping(amount),
                None => case,
            }
        },
    )
}

/// A cart with groups of every mode and installations of every world, sound and unsound.
pub(super) fn any_case() -> impl Strategy<Value = Case> {
    let class = prop_oneof![
        Just(GroupClass::Pricing),
        prop::sample::select(CLASSES.to_vec()).prop_map(GroupClass::Candidates)
    ];
    let group = (class, -2..=2i32, prop::sample::select(MODES.to_vec()), any::<bool>());
    let proposed = prop_oneof![
        5 => sound_candidate().prop_map(|raw| Proposed::Sound(Box::new(raw))),
        1 => any_candidate().prop_map(|candidate| Proposed::Any(Box::new(candidate))),
    ];
    let world = prop_oneof![1 => Just(World::Pricing), 1 => Just(World::Coupon), 3 => Just(World::Promotion)];
    let failure = prop_oneof![9 => Just(None), 1 => Just(Some(Failure::OutOfFuel))];
    let budget = prop_oneof![2 => 0..=20_000_000i64, 1 => 0..=2_000i64, 1 => Just(i64::MAX)];
    let installed = (
        world,
        vec(proposed, 0..5),
        option::of(0..4usize),
        -2..=2i32,
        failure,
        option::weighted(0.4, budget),
    );
    let answering = (any_answer(), -2..=2i32, any::<bool>());
    let installed = (vec(installed, 0..7), vec(answering, 0..4), prop::sample::select(METHODS.to_vec()));
    (any_cart(), vec(group, 0..5), installed).prop_map(|(case, groups, (installed, answering, wanted))| {
        let case = if case.input.shipping.is_none() { case.wants(wanted) } else { case };
        let case =
            groups.into_iter().enumerate().fold(case, |case, (index, (class, rank, mode, on_list))| {
                let case = case.group(&format!("g{index}"), class, rank, mode);
                if on_list { case.on_list_amounts() } else { case }
            });
        let quantities: Vec<u32> = case.input.lines.iter().map(|line| line.quantity).collect();
        let case =
            installed.into_iter().fold(case, |case, (world, proposed, group, priority, failure, budget)| {
                let candidates = proposed.iter().map(|it| it.candidate(&quantities, world)).collect();
                let code = format!("CODE{}", case.plugins.len());
                let mut installed = plugin(world, candidates).classes(&CLASSES[..4]).priority(priority);
                if priority != 0 {
                    installed = installed.classes(&CLASSES).may_give("MUG").may_give("SAMPLE");
                }
                if world == World::Coupon {
                    installed = installed.also(&code, |_| {});
                }
                if let Some(group) = group {
                    installed = installed.group(&format!("g{group}"));
                }
                if let Some(budget) = budget {
                    installed = installed.budget(budget, "KRW");
                }
                case.with(match failure {
                    Some(failure) => installed.fails(failure),
                    None => installed,
                })
            });
        answering.into_iter().fold(case, |case, ((world, outcome), priority, blocks)| {
            let policy = if blocks { FailurePolicy::Block } else { FailurePolicy::Skip };
            let installed = plugin(world, Vec::new()).priority(priority).policy(policy);
            case.with(installed.answers(Answers::Is(outcome)))
        })
    })
}

/// Shipping methods, tax rates or objections, sound and unsound.
fn any_answer() -> impl Strategy<Value = (World, Outcome)> {
    let key = || "[a-d]";
    let words = || Message { key: "words".to_owned(), arguments: Vec::new() };
    let amount = prop_oneof![8 => 0..=10_000i64, 1 => -1..=0i64, 1 => MAX_PRICE..=MAX_PRICE + 1];
    let category = option::of(prop_oneof![4 => Just("food"), 1 => Just("")]);
    let delivery = option::of((0..3u32, 0..3u32));
    let method = prop::sample::select(METHODS.to_vec());
    let rate = (key(), method, amount, category, delivery).prop_map(
        move |(key, method, amount, category, delivery)| ShippingRate {
            key,
            method: method.parse().unwrap(),
            amount,
            tax_category: category.map(str::to_owned),
            delivery: delivery.map(|(earliest, latest)| DeliveryDays { earliest, latest }),
            name: words(),
        },
    );
    let scope = prop_oneof![
        3 => Just(TaxScope::All),
        1 => Just(TaxScope::Shipping),
        3 => vec(prop_oneof![9 => 0..3u32, 1 => any::<u32>()], 0..3).prop_map(TaxScope::Lines),
    ];
    let share = prop_oneof![8 => 0..=300_000u32, 1 => Just(1_000_000), 1 => any::<u32>()];
    let tax = (key(), scope, share).prop_map(move |(key, scope, share)| TaxRate {
        key,
        scope,
        rate: Ppm(share),
        name: words(),
    });
    let objection = (key(), option::of(prop_oneof![9 => 0..3u32, 1 => any::<u32>()]))
        .prop_map(move |(key, position)| Objection { key, position, message: words() });
    prop_oneof![
        2 => vec(rate, 0..4).prop_map(|rates| {
            (World::ShippingRates, Outcome::Rated(Rates { rates, declined: Vec::new() }))
        }),
        3 => (any::<bool>(), vec(tax, 0..5)).prop_map(|(included, rates)| {
            (World::Tax, Outcome::Taxed(Taxes { included, rates, declined: Vec::new() }))
        }),
        1 => vec(objection, 0..3).prop_map(|all| (World::CheckoutValidation, Outcome::Validated(all))),
    ]
}

#[derive(Debug, Clone)]
enum Proposed {
    Sound(Box<RawCandidate>),
    Any(Box<Candidate>),
}

impl Proposed {
    fn candidate(&self, quantities: &[u32], world: World) -> Candidate {
        match self {
            Self::Any(candidate) => Candidate { key: String::new(), ..(**candidate).clone() },
            Self::Sound(raw) if world == World::Pricing => {
                let price = Value::UnitPrice(raw.amount.min(MAX_PRICE));
                Candidate { value: price, ..raw.on(quantities, Some(Class::Line)) }
            }
            Self::Sound(raw) => raw.on(quantities, None),
        }
    }
}

/// What a sound candidate is made from, once the cart is known.
#[derive(Debug, Clone)]
pub(super) struct RawCandidate {
    class: Class,
    kind: u8,
    amount: i64,
    share: u32,
    counts: (u32, u32),
    most: Option<u32>,
    scopes: [RawScope; 3],
    cap: Option<i64>,
    minimum: Option<(Minimum, Basis)>,
    tags: Vec<String>,
}

/// Lines by any number, with any number of units.
type RawScope = Option<Vec<(usize, Option<u32>)>>;

pub(super) fn sound_candidate() -> impl Strategy<Value = RawCandidate> {
    let amount =
        || prop_oneof![6 => 0..=20_000_000i64, 2 => 0..=100i64, 1 => 0..=i64::MAX, 1 => Just(i64::MAX)];
    let minimum =
        prop_oneof![(0..=100_000_000i64).prop_map(Minimum::Spend), (1..=200u32).prop_map(Minimum::Quantity)];
    let minimum = (minimum, prop_oneof![Just(Basis::Left), Just(Basis::List)]);
    let scope = || option::of(vec((any::<usize>(), option::of(any::<u32>())), 1..5));
    let share = prop_oneof![8 => 0..=1_000_000u32, 1 => Just(1_000_000), 1 => 0..=20u32];
    let tag = prop_oneof![Just("one".to_owned()), Just("other".to_owned())];
    let what = (prop::sample::select(CLASSES.to_vec()), 0..8u8, amount(), share);
    let counts = ((1..=5u32, 1..=5u32), option::of(1..=5u32));
    let limits = (option::weighted(0.2, amount()), option::weighted(0.2, minimum));
    let scopes = (scope(), scope(), scope());
    (what, counts, scopes, limits, vec(tag, 0..2)).prop_map(
        |((class, kind, amount, share), (counts, most), (one, two, three), (cap, minimum), tags)| {
            let scopes = [one, two, three];
            RawCandidate { class, kind, amount, share, counts, most, scopes, cap, minimum, tags }
        },
    )
}

impl RawCandidate {
    /// The candidate on lines of these quantities, of a class where one is asked for.
    pub(super) fn on(&self, quantities: &[u32], class: Option<Class>) -> Candidate {
        let class = class.unwrap_or(self.class);
        let goods = matches!(class, Class::Line | Class::Order);
        let scope = |index: usize| named(&self.scopes[index], quantities);
        let (one, two) = self.counts;
        let value = match self.kind {
            _ if class == Class::Gift => {
                let sku = if one > 2 { "MUG" } else { "SAMPLE" };
                Value::Gift(Gift { sku: sku.parse().unwrap(), quantity: two })
            }
            0 => Value::Each(self.amount),
            1 => Value::Across(self.amount),
            2 => Value::Once(self.amount),
            3 => Value::UnitPrice(self.amount),
            4 if goods => {
                let parts =
                    [(1, one), (2, two)].map(|(part, count)| BundlePart { scope: scope(part), count });
                Value::Bundle(Bundle { parts: parts.to_vec(), price: self.amount, most: self.most })
            }
            5 | 6 if goods => Value::BuyXGetY(BuyXGetY {
                buy: scope(1),
                buy_count: one,
                get: scope(2),
                get_count: two,
                percent: Ppm(self.share),
                most: self.most,
            }),
            _ => Value::Percent(Ppm(self.share)),
        };
        let threshold = self.minimum.map(|(minimum, basis)| Threshold { minimum, scope: scope(1), basis });
        let scope = if goods { scope(0) } else { Scope::All };
        let exclusivity_tags = self.tags.clone();
        Candidate { scope, cap: self.cap, threshold, exclusivity_tags, ..candidate(class, value) }
    }
}

fn named(raw: &RawScope, quantities: &[u32]) -> Scope {
    let Some(lines) = raw else { return Scope::All };
    let mut named: Vec<ScopeLine> = Vec::new();
    for (line, units) in lines {
        let line = line % quantities.len();
        let position = u32::try_from(line).unwrap();
        if named.iter().all(|other| other.position != position) {
            named.push(ScopeLine { position, quantity: units.map(|units| 1 + units % quantities[line]) });
        }
    }
    Scope::Lines(named)
}

/// A candidate of any numbers at all, most of them unsound.
pub(super) fn any_candidate() -> impl Strategy<Value = Candidate> {
    let amount = || prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -1..=1_000i64];
    let count = || prop_oneof![any::<u32>(), Just(u32::MAX), 0..=3u32];
    let line = (prop_oneof![0..=3u32, any::<u32>()], option::of(prop_oneof![0..=3u32, any::<u32>()]));
    let line = line.prop_map(|(position, quantity)| ScopeLine { position, quantity });
    let scope = move || prop_oneof![Just(Scope::All), vec(line.clone(), 0..4).prop_map(Scope::Lines)];
    let part = (scope(), count()).prop_map(|(scope, count)| BundlePart { scope, count });
    let offer = (scope(), count(), scope(), count(), any::<u32>(), option::of(count()));
    let offer = offer.prop_map(|(buy, buy_count, get, get_count, share, most)| {
        // Most shares would be too large otherwise, and nothing else of the offer would be tried.
        let percent = Ppm(if share % 4 == 0 { share } else { share % 1_000_001 });
        BuyXGetY { buy, buy_count, get, get_count, percent, most }
    });
    let gift = (prop_oneof![Just("MUG"), Just("SAMPLE"), Just("OTHER")], count());
    let bundle = (vec(part, 0..10), amount(), option::of(count()));
    let value = prop_oneof![
        any::<u32>().prop_map(|share| Value::Percent(Ppm(share))),
        amount().prop_map(Value::Each),
        amount().prop_map(Value::Across),
        amount().prop_map(Value::Once),
        amount().prop_map(Value::UnitPrice),
        bundle.prop_map(|(parts, price, most)| Value::Bundle(Bundle { parts, price, most })),
        offer.prop_map(Value::BuyXGetY),
        gift.prop_map(|(sku, quantity)| Value::Gift(Gift { sku: sku.parse().unwrap(), quantity })),
    ];
    let minimum = prop_oneof![amount().prop_map(Minimum::Spend), count().prop_map(Minimum::Quantity)];
    let threshold = (minimum, scope(), prop_oneof![Just(Basis::Left), Just(Basis::List)]);
    let threshold = threshold.prop_map(|(minimum, scope, basis)| Threshold { minimum, scope, basis });
    let key = prop_oneof![3 => "[a-c]", 1 => "\\PC{0,70}"];
    let rest = (option::weighted(0.3, amount()), option::weighted(0.3, threshold), vec("[ab]{0,2}", 0..3));
    (key, prop::sample::select(CLASSES.to_vec()), scope(), value, rest).prop_map(
        |(key, class, scope, value, (cap, threshold, exclusivity_tags))| {
            let plain = candidate(class, value);
            Candidate { key, scope, cap, threshold, exclusivity_tags, ..plain }
        },
    )
}
