//! The same cart has the same price, byte for byte, in any process: a thousand random carts for each
//! first-party plugin, priced in two processes that have been through different things.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use martlet_domain::{
    Digest, Id, Timestamp,
    catalog::Handle,
    coupon::Coupon,
    customer::CustomerFacts,
    money::Ppm,
    plugin::{FailurePolicy, Installation, InstallationStage, Rulebook, SealedRulebook, World},
    quote::{
        CouponInput, Decision, Destination, GiftInput, Input, LineInput, ProductFacts, Quote, ShippingInput,
        Standing,
    },
    settings::TaxRates,
};
use martlet_plugin_host::{Host, HostConfig};
use martlet_server::price_cart::walk;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use uuid::Uuid;

/// Carts for each plugin.
const CARTS: u64 = 1_000;
/// Says what the process that it is set for has been through before it prices.
const HISTORY: &str = "MARTLET_TEST_HISTORY";

/// What became of the carts in one process: digests of receipts by plugin and cart, and how many of each
/// plugin's had an effect.
#[derive(Debug, Default, PartialEq, Eq)]
struct Priced {
    receipts: BTreeMap<(String, u64), String>,
    effects: BTreeMap<String, u64>,
}

#[test]
fn random_carts_have_the_same_receipts_in_processes_with_different_histories() {
    let fresh = in_a_process("fresh");
    let busy = in_a_process("busy");
    let plugins = plugins();
    assert!(plugins.len() >= 14, "{plugins:?}");
    assert_eq!(fresh.receipts.len() as u64, CARTS * plugins.len() as u64);
    let apart: Vec<_> =
        fresh.receipts.iter().filter(|(cart, digest)| busy.receipts.get(*cart) != Some(*digest)).collect();
    assert!(apart.is_empty(), "{} carts differ, the first: {:?}", apart.len(), apart.first());
    assert_eq!(fresh, busy);
    for plugin in plugins {
        let effects = fresh.effects.get(&plugin).copied().unwrap_or_default();
        assert!(effects >= CARTS / 20, "{plugin} had an effect on {effects} of {CARTS} carts only");
    }
}

/// Not a test by itself: what the test above runs in two processes.
#[test]
#[ignore = "the other half of the test above, which starts it"]
fn prices_in_a_process_of_its_own() {
    let Ok(history) = std::env::var(HISTORY) else { return };
    let host = Host::new(HostConfig::default()).expect("a host");
    let mut carts: Vec<(String, u64)> =
        plugins().into_iter().flat_map(|plugin| (0..CARTS).map(move |cart| (plugin.clone(), cart))).collect();
    let threads = if history == "busy" {
        go_through_trouble(&host);
        // Another order, in which plugins alternate.
        carts.sort_by_key(|(plugin, cart)| (std::cmp::Reverse(cart % 17), *cart, plugin.clone()));
        3
    } else {
        1
    };
    let rulebooks: BTreeMap<String, Installed> =
        plugins().into_iter().map(|plugin| (plugin.clone(), Installed::load(&host, &plugin))).collect();
    std::thread::scope(|scope| {
        for share in carts.chunks(carts.len().div_ceil(threads)) {
            let (host, rulebooks) = (&host, &rulebooks);
            scope.spawn(move || {
                for (plugin, cart) in share {
                    let (quote, _) = walk(host, rulebooks[plugin].input(*cart)).expect("a price");
                    let effect = u8::from(has_effect(&quote));
                    println!("priced {plugin} {cart} {effect} {}", quote.receipt.digest());
                }
            });
        }
    });
}

fn in_a_process(history: &str) -> Priced {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "prices_in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(HISTORY, history)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut priced = Priced::default();
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        let line = line.expect("a line");
        // The harness begins a line before the first.
        let Some((_, line)) = line.split_once("priced ") else { continue };
        let mut words = line.split(' ');
        let mut word = || words.next().expect("a word").to_owned();
        let (plugin, cart, effect, digest) = (word(), word().parse().expect("a cart"), word(), word());
        *priced.effects.entry(plugin.clone()).or_default() += u64::from(effect == "1");
        priced.receipts.insert((plugin, cart), digest);
    }
    assert!(child.wait().expect("it ends").success());
    priced
}

/// Whether anything came of it that a shopper would notice.
fn has_effect(quote: &Quote) -> bool {
    quote.verdicts.iter().any(|verdict| !matches!(verdict.decision, Decision::Rejected(_) | Decision::Passed))
}

/// Fails in every way that a component can, so that whatever that leaves behind is there.
fn go_through_trouble(host: &Host) {
    let hostile = Installed::of(
        host,
        "hostile",
        &["loop", "trap", "memory", "recurse", "logs", "candidates"]
            .map(|mode| format!(r#"{{"mode": "{mode}"}}"#)),
    );
    for cart in 0..20 {
        let (quote, _) = walk(host, hostile.input(cart)).expect("a price");
        assert!(!quote.lines.is_empty() || quote.verdicts.is_empty());
    }
}

/// The first-party plugins, by their folders.
fn plugins() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let entries = std::fs::read_dir(folder).expect("the plugins").map(|entry| entry.expect("an entry"));
    let mut plugins: Vec<String> = entries
        .filter(|entry| entry.path().join("config.schema.json").is_file())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    plugins.sort();
    plugins
}

/// A plugin at work, once for each example of its schema.
struct Installed {
    rulebook: Arc<SealedRulebook>,
    coupons: Vec<Coupon>,
}

impl Installed {
    fn load(host: &Host, plugin: &str) -> Self {
        let schema = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../plugins")
            .join(plugin)
            .join("config.schema.json");
        let schema: serde_json::Value =
            serde_json::from_slice(&std::fs::read(schema).expect("a schema")).expect("JSON");
        let examples = schema["examples"].as_array().expect("examples");
        Self::of(host, plugin, &examples.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn of(host: &Host, plugin: &str, configs: &[String]) -> Self {
        let file =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/plugins/{plugin}.wasm"));
        let bytes = std::fs::read(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask wasm` first", file.display()));
        let component = host.load(&bytes).expect("a component");
        let classes = |config: &String| component.validate_config(config).expect("a configuration");
        let installation = |(number, config): (u128, &String)| Installation {
            id: Id::new(Uuid::from_u128(number)),
            sequence: i64::try_from(number).expect("few"),
            plugin: plugin.to_owned(),
            version: "1.0.0".to_owned(),
            component: component.digest(),
            world: component.world(),
            config: config.clone(),
            classes: classes(config),
            stage: InstallationStage::Active,
            priority: 0,
            group: None,
            failure_policy: FailurePolicy::Skip,
            gift_skus: ["WRAP-GIFT", "INK-BOTTLE-SEPIA"].map(|sku| sku.parse().expect("a sku")).to_vec(),
            budget: None,
            daily_budget: None,
            customer_budget: None,
            starts_at: None,
            ends_at: None,
            exclusivity_tags: Vec::new(),
            quarantine: None,
            templates: component.describe().expect("a description").templates,
        };
        let installations: Vec<Installation> = (1..).zip(configs).map(installation).collect();
        let coupons = installations.iter().filter(|known| known.world == World::Coupon).map(|known| Coupon {
            id: Id::new(known.id.uuid()),
            code: format!("CODE{}", known.sequence).parse().expect("a code"),
            installation: known.id,
            config: known.config.clone(),
            classes: known.classes.clone(),
            enabled: true,
            starts_at: None,
            ends_at: None,
            total_limit: None,
            per_customer_limit: None,
            version: 1,
        });
        let coupons = coupons.collect();
        let rulebook =
            Rulebook { number: 1, note: String::new(), created_at: AS_OF, groups: Vec::new(), installations };
        Self { rulebook: Arc::new(SealedRulebook::new(rulebook)), coupons }
    }

    /// The how-manieth cart.
    fn input(&self, cart: u64) -> Input {
        let mut random = StdRng::seed_from_u64(cart);
        let currency = *["USD", "USD", "EUR", "EUR", "KRW", "KWD"].choose(&mut random).expect("one");
        let lines = if random.random_ratio(1, 40) { 60 } else { random.random_range(0..8) };
        let own = random.random_ratio(1, 2).then(|| ShippingInput {
            method: handle("standard"),
            amount: random.random_range(0..2_000),
            tax_category: "standard".to_owned(),
        });
        Input {
            rulebook: Arc::clone(&self.rulebook),
            as_of: AS_OF,
            currency: currency.parse().expect("a currency"),
            prices_include_tax: random.random(),
            tax: TaxRates {
                standard: Ppm(100_000),
                by_category: BTreeMap::from([("food".to_owned(), Ppm(0))]),
            },
            customer: random.random_ratio(2, 3).then(|| customer(&mut random)),
            destination: random.random_ratio(3, 4).then(|| destination(&mut random)),
            lines: (0..lines).map(|number| line(&mut random, number)).collect(),
            wanted_method: own
                .is_none()
                .then(|| handle(one(&mut random, &["express", "parcel", "standard"]))),
            shipping: own,
            own_methods: Vec::new(),
            coupons: self
                .coupons
                .iter()
                .map(|coupon| CouponInput { coupon: coupon.clone(), standing: Standing::default() })
                .collect(),
            standings: Vec::new(),
            gifts: [("INK-BOTTLE-SEPIA", 900_u128), ("WRAP-GIFT", 901)]
                .map(|(sku, number)| GiftInput {
                    sku: sku.parse().expect("a sku"),
                    variant: Id::new(Uuid::from_u128(number)),
                    unit_amount: 500,
                    available: random.random_range(0..3),
                })
                .to_vec(),
            bucket: random.random_range(0..10_000),
        }
    }
}

const AS_OF: Timestamp = Timestamp::from_millis(1_795_000_000_000);
/// Words that the examples of the plugins' schemas choose goods by, and some that they don't.
const CATEGORIES: &[&str] = &["shirts", "coffee-tea", "socks", "stationery", "outlet", "kitchen", "books"];
const SKUS: &[&str] =
    &["MUG-STONE-350", "WRAP-GIFT", "INK-BOTTLE-SEPIA", "KNIFE-FOLD-75", "SOCK-M", "SHIRT-L", "TEA-50"];

fn one<'a>(random: &mut StdRng, words: &[&'a str]) -> &'a str {
    words.choose(random).copied().expect("there are words")
}

fn handle(text: &str) -> Handle {
    text.parse().expect("a handle")
}

fn line(random: &mut StdRng, number: u128) -> LineInput {
    let category = one(random, CATEGORIES);
    let amount = if random.random_ratio(1, 20) { 0 } else { random.random_range(1..12_000) };
    LineInput {
        variant: Id::new(Uuid::from_u128(number)),
        sku: one(random, SKUS).parse().expect("a sku"),
        options: Vec::new(),
        product: Arc::new(ProductFacts {
            id: Id::new(Uuid::from_u128(100 + number)),
            handle: handle(one(random, &["stoneware-mug", "merino-socks", "green-tea"])),
            categories: vec![handle(category)],
            tags: vec![one(random, &["wool", "linen", "sale"]).to_owned()],
            attributes: Vec::new(),
        }),
        quantity: if random.random_ratio(1, 10) { 60 } else { random.random_range(1..15) },
        weight_grams: random.random_ratio(3, 4).then(|| random.random_range(1..400)),
        unit_amount: amount,
        floor: if random.random_ratio(1, 10) { amount / 2 } else { 0 },
        tax_category: one(random, &["standard", "food"]).to_owned(),
    }
}

fn customer(random: &mut StdRng) -> CustomerFacts {
    CustomerFacts {
        groups: vec![one(random, &["gold", "trade", "reseller", "eu-business"]).to_owned()],
        order_count: random.random_range(0..6),
        lifetime_spend: random.random_range(0..400_000),
    }
}

fn destination(random: &mut StdRng) -> Destination {
    let country = one(random, &["US", "US", "KR", "DE", "AT", "GB"]);
    let region = (country == "US").then(|| one(random, &["CA", "NY"]).to_owned());
    Destination { country: country.to_owned(), region }
}

/// Receipts are told apart by their digests, so there is something to compare.
#[test]
fn other_carts_have_other_receipts() {
    let host = Host::new(HostConfig::default()).expect("a host");
    let installed = Installed::load(&host, "percentage-off");
    let digest = |cart| walk(&host, installed.input(cart)).expect("a price").0.receipt.digest();
    assert_eq!(digest(1), digest(1));
    let digests: std::collections::BTreeSet<Digest> = (0..20).map(digest).collect();
    assert_eq!(digests.len(), 20);
}
