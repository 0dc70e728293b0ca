//! Shipping methods by zone and weight: brackets up to so many grams, then so much a kilogram.

use martlet_plugin_sdk::{
    Amounts, MAX_PRICE, Method, Places, Plugin, Problems, ShippingRates, argument, check_methods,
    in_english_and_korean, message, offer_methods,
    types::{Cart, ConfigProblem, Description, Message, Rates},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(shipping_rates, ShippingTable, "../../wit/1.0.0");

const MAX_TABLES: usize = 50;
const MAX_BRACKETS: usize = 50;
const KILOGRAM: u64 = 1_000;

/// The plugin.
#[derive(Debug)]
pub struct ShippingTable;

/// The tables. Of those with the same handle the first that has a price is offered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    tables: Vec<Table>,
    grams_without_weight: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    method: Method,
    #[serde(default)]
    to: Places,
    brackets: Vec<Bracket>,
    beyond: Option<Beyond>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bracket {
    up_to_grams: u32,
    amounts: Amounts,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beyond {
    per_kilogram: Amounts,
    up_to_grams: Option<u32>,
}

impl Plugin for ShippingTable {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "shipping-table".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Shipping by weight".to_owned(),
            summary: "Shipping methods priced by zone and by what the cart weighs.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("no-weight", "{sku} has no weight", "{sku} 상품의 무게 정보가 없습니다"),
                (
                    "too-heavy",
                    "the cart weighs {grams} g, and {most} g is the most",
                    "장바구니 무게가 {grams} g이며 최대 {most} g까지 가능합니다",
                ),
                (
                    "too-dear",
                    "the cart weighs {grams} g, and shipping it would cost more than anything can",
                    "장바구니 무게가 {grams} g이며 배송비가 최대 금액을 초과합니다",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.length("/tables", &config.tables, MAX_TABLES);
        let entries: Vec<_> = config.tables.iter().map(|table| (&table.method, &table.to)).collect();
        let covers = |one: usize, other: usize| config.tables[one].covers(&config.tables[other]);
        check_methods("/tables", &entries, covers, &mut problems);
        for (index, table) in config.tables.iter().enumerate() {
            table.check(&format!("/tables/{index}"), &mut problems);
        }
        problems.at_least_one("/grams_without_weight", config.grams_without_weight.unwrap_or(1));
        problems.found
    }
}

impl ShippingRates for ShippingTable {
    fn offer_shipping(cart: &Cart, config: &Config) -> Rates {
        let grams = config.weight(cart);
        offer_methods(cart, config.tables.iter().map(|table| (&table.method, table.amount(cart, &grams))))
    }
}

impl Config {
    /// What the cart weighs, in grams; else the reason why that isn't known.
    fn weight(&self, cart: &Cart) -> Result<u64, Message> {
        cart.lines.iter().try_fold(0_u64, |sum, line| {
            let grams = line.weight_grams.or(self.grams_without_weight);
            let grams = grams.ok_or_else(|| message("no-weight", [argument("sku", &line.sku)]))?;
            Ok(sum.saturating_add(u64::from(grams).saturating_mul(u64::from(line.quantity))))
        })
    }
}

impl Table {
    fn amount(&self, cart: &Cart, grams: &Result<u64, Message>) -> Result<i64, Message> {
        self.to.fit(cart)?;
        let grams = grams.clone()?;
        match self.brackets.iter().find(|bracket| grams <= u64::from(bracket.up_to_grams)) {
            Some(bracket) => bracket.amounts.of(cart),
            None => self.beyond_brackets(cart, grams),
        }
    }

    /// The last bracket, and so much for each kilogram on top of it that has begun.
    fn beyond_brackets(&self, cart: &Cart, grams: u64) -> Result<i64, Message> {
        let end = self.end();
        if let Some(most) = self.most().filter(|most| grams > u64::from(*most)) {
            return Err(message("too-heavy", [argument("grams", grams), argument("most", most)]));
        }
        let last = self.brackets.last().map_or(Ok(0), |bracket| bracket.amounts.of(cart))?;
        let each = self.beyond.as_ref().map_or(Ok(0), |beyond| beyond.per_kilogram.of(cart))?;
        let kilograms = grams.saturating_sub(u64::from(end)).div_ceil(KILOGRAM);
        let extra = each.saturating_mul(i64::try_from(kilograms).unwrap_or(i64::MAX));
        let amount = Some(last.saturating_add(extra)).filter(|amount| *amount <= MAX_PRICE);
        amount.ok_or_else(|| message("too-dear", [argument("grams", grams)]))
    }

    /// What the cart weighs at most; nothing where that is any weight.
    fn most(&self) -> Option<u32> {
        self.beyond.as_ref().map_or(Some(self.end()), |beyond| beyond.up_to_grams)
    }

    /// All amounts that a cart is priced with, bracket by bracket.
    fn amounts(&self) -> impl Iterator<Item = &Amounts> {
        let brackets = self.brackets.iter().map(|bracket| &bracket.amounts);
        brackets.chain(self.beyond.as_ref().map(|beyond| &beyond.per_kilogram))
    }

    /// Whether it has a price, whatever the cart weighs, wherever another has one.
    fn covers(&self, other: &Self) -> bool {
        let is_heavier =
            self.most().is_none_or(|most| other.most().is_some_and(|their_most| their_most <= most));
        is_heavier && self.amounts().all(|own| other.amounts().all(|theirs| own.cover(theirs)))
    }

    /// Where the brackets end, in grams.
    fn end(&self) -> u32 {
        self.brackets.last().map_or(0, |bracket| bracket.up_to_grams)
    }

    fn check(&self, pointer: &str, problems: &mut Problems) {
        problems.length(&format!("{pointer}/brackets"), &self.brackets, MAX_BRACKETS);
        let mut before = 0;
        for (index, bracket) in self.brackets.iter().enumerate() {
            let pointer = format!("{pointer}/brackets/{index}");
            let ascends = "must be more than in the bracket before, and at least 1";
            problems.refuse_if(bracket.up_to_grams <= before, &format!("{pointer}/up_to_grams"), ascends);
            bracket.amounts.check(&format!("{pointer}/amounts"), problems);
            before = bracket.up_to_grams;
        }
        if let Some(beyond) = &self.beyond {
            beyond.per_kilogram.check(&format!("{pointer}/beyond/per_kilogram"), problems);
            let is_within = beyond.up_to_grams.is_some_and(|most| most <= self.end());
            let words = "must be more than in the last bracket";
            problems.refuse_if(is_within, &format!("{pointer}/beyond/up_to_grams"), words);
        }
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{CartBuilder, LineBuilder, expect_complete_description, problems_at},
    };

    use super::*;

    const TABLES: &str = r#"{"tables": [
        {"method": {"handle": "parcel", "name": "Parcel"}, "to": ["DE", "AT"],
         "brackets": [{"up_to_grams": 1000, "amounts": [{"amount": 450, "currency": "EUR"}]},
                      {"up_to_grams": 5000, "amounts": [{"amount": 700, "currency": "EUR"}]}],
         "beyond": {"per_kilogram": [{"amount": 90, "currency": "EUR"}], "up_to_grams": 31500}},
        {"method": {"handle": "letter", "name": "Letter"},
         "brackets": [{"up_to_grams": 500, "amounts": [{"amount": 300, "currency": "EUR"}]}]}]}"#;

    fn offer(cart: CartBuilder, json: &str) -> Rates {
        ShippingTable::offer_shipping(&cart.build(), &guest::check::<ShippingTable>(json).unwrap())
    }

    fn grams(grams: u32) -> CartBuilder {
        CartBuilder::new("EUR", 2).line(LineBuilder::new("MUG", 1, 1_500).weight(grams)).country("DE")
    }

    fn amounts(cart: CartBuilder) -> Vec<i64> {
        offer(cart, TABLES).rates.iter().map(|rate| rate.amount).collect()
    }

    fn declined(rates: &Rates) -> Vec<(&str, &str)> {
        rates.declined.iter().map(|it| (it.key.as_str(), it.message.key.as_str())).collect()
    }

    #[test]
    fn the_bracket_of_the_weight_has_the_price() {
        assert_eq!(amounts(grams(500)), [450, 300]);
        assert_eq!((amounts(grams(1_000)), amounts(grams(1_001))), (vec![450], vec![700]));
        let two = grams(600).line(LineBuilder::new("SOCK", 3, 1_400).weight(200));
        assert_eq!(amounts(two), [700]);
    }

    #[test]
    fn each_kilogram_beyond_the_last_bracket_that_has_begun_costs_more() {
        assert_eq!((amounts(grams(5_000)), amounts(grams(5_001))), (vec![700], vec![790]));
        assert_eq!((amounts(grams(6_000)), amounts(grams(6_001))), (vec![790], vec![880]));
        assert_eq!(amounts(grams(31_500)), [700 + 27 * 90]);
    }

    #[test]
    fn says_why_a_method_is_not_offered() {
        let heavy = offer(grams(31_501), TABLES);
        assert_eq!(declined(&heavy), [("parcel", "too-heavy"), ("letter", "too-heavy")]);
        assert_eq!(heavy.declined[0].message.arguments[1].value, "31500");
        let abroad = offer(grams(400).country("FR"), TABLES);
        assert_eq!(declined(&abroad), [("parcel", "sdk-elsewhere")]);
        let empty = offer(CartBuilder::new("EUR", 2).country("DE"), TABLES);
        assert_eq!(declined(&empty), [("methods", "sdk-nothing-to-ship")]);
        let dollars = CartBuilder::new("USD", 2).line(LineBuilder::new("MUG", 1, 1_500).weight(1));
        assert_eq!(declined(&offer(dollars, TABLES))[1], ("letter", "sdk-not-in-currency"));
    }

    #[test]
    fn a_line_without_weight_takes_the_default_or_stops_it() {
        let unknown = || grams(400).line(LineBuilder::new("HAT", 2, 900));
        let rates = offer(unknown(), TABLES);
        assert_eq!(declined(&rates), [("parcel", "no-weight"), ("letter", "no-weight")]);
        assert_eq!(rates.declined[0].message.arguments[0].value, "HAT");
        let with_default = TABLES.replacen('{', r#"{"grams_without_weight": 350, "#, 1);
        assert_eq!(offer(unknown(), &with_default).rates[0].amount, 700);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = |rest: &str| {
            let method = r#""method": {"handle": "a", "name": "A"}"#;
            problems_at::<ShippingTable>(&format!(r#"{{"tables": [{{{method}, {rest}}}]}}"#))
        };
        let usd = r#"[{"amount": 1, "currency": "USD"}]"#;
        let bracket = |grams: u32| format!(r#"{{"up_to_grams": {grams}, "amounts": {usd}}}"#);
        assert_eq!(places(r#""brackets": []"#), ["/tables/0/brackets"]);
        let overlapping = format!(r#""brackets": [{}, {}]"#, bracket(500), bracket(500));
        assert_eq!(places(&overlapping), ["/tables/0/brackets/1/up_to_grams"]);
        let zero = format!(r#""brackets": [{}]"#, bracket(0));
        assert_eq!(places(&zero), ["/tables/0/brackets/0/up_to_grams"]);
        let beyond = format!(
            r#""brackets": [{}], "beyond": {{"per_kilogram": [], "up_to_grams": 500}}"#,
            bracket(500)
        );
        let expected = ["/tables/0/beyond/per_kilogram", "/tables/0/beyond/up_to_grams"];
        assert_eq!(places(&beyond), expected);
        let none = r#"{"tables": [], "grams_without_weight": 0}"#;
        assert_eq!(problems_at::<ShippingTable>(none), ["/tables", "/grams_without_weight"]);
    }

    #[test]
    fn a_table_that_leaves_nothing_to_another_is_a_mistake() {
        let table = |grams: u32, currency: &str| {
            format!(
                r#"{{"method": {{"handle": "a", "name": "A"}},
                "brackets": [{{"up_to_grams": {grams}, "amounts": [{{"amount": 1, "currency": "{currency}"}}]}}]}}"#
            )
        };
        let places = |one: String, other: String| {
            problems_at::<ShippingTable>(&format!(r#"{{"tables": [{one}, {other}]}}"#))
        };
        assert_eq!(places(table(500, "USD"), table(500, "USD")), ["/tables/1/to"]);
        assert_eq!(places(table(500, "USD"), table(400, "USD")), ["/tables/1/to"]);
        // What is heavier, and what is in another currency, is the other's.
        assert_eq!(places(table(500, "USD"), table(501, "USD")), [""; 0]);
        assert_eq!(places(table(500, "USD"), table(500, "KRW")), [""; 0]);
    }

    #[test]
    fn what_would_cost_more_than_anything_can_is_declined() {
        let dear = r#"{"tables": [{"method": {"handle": "a", "name": "A"},
            "brackets": [{"up_to_grams": 1, "amounts": [{"amount": 0, "currency": "EUR"}]}],
            "beyond": {"per_kilogram": [{"amount": 50000000000, "currency": "EUR"}]}}]}"#;
        assert_eq!(offer(grams(2_001), dear).rates[0].amount, MAX_PRICE);
        assert_eq!(declined(&offer(grams(2_002), dear)), [("a", "too-dear")]);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<ShippingTable>();
    }
}
