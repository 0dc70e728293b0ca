//! Tax rates by country, region and tax category. A country's components, such as a state's and a
//! county's tax, add up; groups of customers can be exempt.

use std::collections::BTreeSet;

use martlet_plugin_sdk::{
    ALL_OF_IT, Places, Plugin, Problems, Tax, TaxRateBuilder, argument, decline, in_english_and_korean,
    is_country, is_region, message, no_destination, percent,
    types::{Cart, ConfigProblem, Description, Message, TaxRate, Taxes},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(tax, TaxTable, "../../wit/1.0.0");

const MAX_COUNTRIES: usize = 250;
const MAX_COMPONENTS: usize = 100;

/// The plugin.
#[derive(Debug)]
pub struct TaxTable;

/// What is taxed where, and who isn't.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    countries: Vec<Country>,
    #[serde(default)]
    exempt: Vec<Exempt>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Country {
    country: String,
    included: Option<bool>,
    components: Vec<Component>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Component {
    name: String,
    #[serde(default)]
    regions: Vec<String>,
    percent_ppm: u32,
    #[serde(default)]
    categories: Vec<Category>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    category: String,
    percent_ppm: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exempt {
    group: String,
    #[serde(default)]
    to: Places,
    #[serde(default)]
    why: Why,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Why {
    #[default]
    Exempt,
    ReverseCharge,
}

impl Plugin for TaxTable {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "tax-table".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Tax table".to_owned(),
            summary: "Tax rates by country, region and tax category.".to_owned(),
            config_schema: include_str!("../config.schema.json").to_owned(),
            templates: in_english_and_korean([
                ("tax", "{name} {percent} %", "{name} {percent} %"),
                ("exempt", "Exempt from tax ({group})", "면세 ({group})"),
                ("reverse-charge", "Reverse charge ({group})", "대리납부 ({group})"),
                ("no-country", "has no rates for {country}", "{country} 세율이 없습니다"),
                (
                    "no-region",
                    "the shopper hasn't said which region of {country} the goods go to, and its rates differ",
                    "{country} 세율은 지역마다 다르며 배송 지역이 아직 입력되지 않았습니다",
                ),
                (
                    "other-region",
                    "has rates for some regions of {country}, not for {region}",
                    "{country} 일부 지역의 세율만 있으며 {region} 지역은 없습니다",
                ),
            ]),
        }
    }

    fn check(config: &Config) -> Vec<ConfigProblem> {
        let mut problems = Problems::default();
        problems.length("/countries", &config.countries, MAX_COUNTRIES);
        for (index, country) in config.countries.iter().enumerate() {
            let pointer = format!("/countries/{index}");
            let is_twice = config.countries[..index].iter().any(|other| other.country == country.country);
            problems.refuse_if(is_twice, &format!("{pointer}/country"), "stands twice");
            country.check(&pointer, &mut problems);
        }
        for (index, exempt) in config.exempt.iter().enumerate() {
            problems.not_blank(&format!("/exempt/{index}/group"), &exempt.group);
            exempt.to.check(&format!("/exempt/{index}/to"), &mut problems);
        }
        problems.found
    }
}

impl Tax for TaxTable {
    fn find_taxes(cart: &Cart, config: &Config) -> Taxes {
        let of_cart = cart.prices_include_tax;
        match config.find(cart) {
            Ok((included, rates)) => {
                Taxes { included: included.unwrap_or(of_cart), rates, declined: Vec::new() }
            }
            Err(reason) => {
                let declined = vec![decline("taxes", reason)];
                Taxes { included: of_cart, rates: Vec::new(), declined }
            }
        }
    }
}

impl Config {
    /// The rates, and whether they are in the prices, where the country says so.
    fn find(&self, cart: &Cart) -> Result<(Option<bool>, Vec<TaxRate>), Message> {
        let destination = cart.destination.as_ref();
        let code = destination.map_or("", |destination| &destination.country);
        let country = self.countries.iter().find(|country| country.country == code);
        if let Some(rate) = self.exemption(cart) {
            return Ok((country.and_then(|country| country.included), vec![rate]));
        }
        let region = destination.ok_or_else(no_destination)?.region.as_deref();
        let country = country.ok_or_else(|| message("no-country", [argument("country", code)]))?;
        // What holds in all of the country is less than what its regions add.
        if region.is_none() && country.components.iter().any(|component| !component.regions.is_empty()) {
            return Err(message("no-region", [argument("country", code)]));
        }
        let rates = country.rates(cart, region);
        if rates.is_empty() {
            let arguments = [argument("country", code), argument("region", region.unwrap_or_default())];
            return Err(message("other-region", arguments));
        }
        Ok((country.included, rates))
    }

    /// No tax at all, on anything, for the first exemption that the customer has.
    fn exemption(&self, cart: &Cart) -> Option<TaxRate> {
        let customer = cart.customer.as_ref()?;
        let applies =
            |exempt: &&Exempt| customer.groups.contains(&exempt.group) && exempt.to.fit(cart).is_ok();
        let exempt = self.exempt.iter().find(applies)?;
        let key = match exempt.why {
            Why::Exempt => "exempt",
            Why::ReverseCharge => "reverse-charge",
        };
        Some(TaxRateBuilder::new(key, 0, message(key, [argument("group", &exempt.group)])).build())
    }
}

impl Country {
    fn rates(&self, cart: &Cart, region: Option<&str>) -> Vec<TaxRate> {
        let components = self.components.iter().enumerate().filter(|(_, it)| it.holds_in(region));
        components.flat_map(|(index, component)| component.rates(&self.key(index), cart)).collect()
    }

    fn key(&self, component: usize) -> String {
        format!("{}-{component}", self.country.to_lowercase())
    }

    fn check(&self, pointer: &str, problems: &mut Problems) {
        let words = "must be an ISO 3166 code, such as US";
        problems.refuse_if(!is_country(&self.country), &format!("{pointer}/country"), words);
        problems.length(&format!("{pointer}/components"), &self.components, MAX_COMPONENTS);
        for (index, component) in self.components.iter().enumerate() {
            component.check(&format!("{pointer}/components/{index}"), problems);
        }
        if let Some(region) = self.too_much_in() {
            let place =
                region.map_or_else(|| self.country.clone(), |region| format!("{}-{region}", self.country));
            let words =
                format!("add up to more than 1000000 parts per million in {place}, which is all of it");
            problems.refuse_if(true, &format!("{pointer}/components"), &words);
        }
    }

    /// A region in which some goods would be taxed at more than all of their price, if there is one. No
    /// region is the rest of the country.
    fn too_much_in(&self) -> Option<Option<&str>> {
        let named = self.components.iter().flat_map(|component| &component.regions);
        let regions: BTreeSet<Option<&str>> =
            named.map(|region| Some(region.as_str())).chain([None]).collect();
        // Most regions have the same components as many others.
        let mut seen = BTreeSet::new();
        regions.into_iter().find(|region| {
            let there = |component: &&Component| component.holds_in(*region);
            let components: Vec<&Component> = self.components.iter().filter(there).collect();
            let same: Vec<*const Component> = components.iter().map(|it| std::ptr::from_ref(*it)).collect();
            seen.insert(same) && adds_up_to_too_much(&components)
        })
    }
}

fn adds_up_to_too_much(components: &[&Component]) -> bool {
    let is_too_much = |ppm: fn(&Component, &str) -> u32, category: &str| {
        let sum: u64 = components.iter().map(|component| u64::from(ppm(component, category))).sum();
        sum > u64::from(ALL_OF_IT)
    };
    let mut categories = components.iter().flat_map(|component| &component.categories);
    is_too_much(|component, _| component.percent_ppm, "")
        || categories.any(|own| is_too_much(Component::ppm, &own.category))
}

impl Component {
    /// Whether it is of all of the country, or of this region of it.
    fn holds_in(&self, region: Option<&str>) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|wanted| Some(wanted.as_str()) == region)
    }

    /// A rate for all where all have the same, else one for each rate that is met. Zero is a rate too:
    /// what is left out would have the store's own.
    fn rates(&self, key: &str, cart: &Cart) -> Vec<TaxRate> {
        let shipping = cart.shipping.as_ref().map(|shipping| self.ppm(&shipping.tax_category));
        let lines = || cart.lines.iter().map(|line| (line.position, self.ppm(&line.tax_category)));
        let mut met: Vec<u32> = lines().map(|(_, ppm)| ppm).chain(shipping).collect();
        met.sort_unstable();
        met.dedup();
        if met.len() <= 1 {
            return vec![self.rate(key, met.first().copied().unwrap_or(self.percent_ppm)).build()];
        }
        let for_lines = met.iter().filter_map(|ppm| {
            let positions: Vec<u32> =
                lines().filter(|(_, other)| other == ppm).map(|(position, _)| position).collect();
            let rate = self.rate(&format!("{key}.{ppm}"), *ppm);
            (!positions.is_empty()).then(|| rate.on_lines(positions).build())
        });
        let for_shipping =
            shipping.map(|ppm| self.rate(&format!("{key}.shipping"), ppm).on_shipping().build());
        for_lines.chain(for_shipping).collect()
    }

    fn rate(&self, key: &str, ppm: u32) -> TaxRateBuilder {
        let arguments = [argument("name", &self.name), argument("percent", percent(ppm))];
        TaxRateBuilder::new(key, ppm, message("tax", arguments))
    }

    fn ppm(&self, category: &str) -> u32 {
        let own = self.categories.iter().find(|own| own.category == category);
        own.map_or(self.percent_ppm, |own| own.percent_ppm)
    }

    fn check(&self, pointer: &str, problems: &mut Problems) {
        let too_much = "must be at most 1000000 parts per million";
        problems.not_blank(&format!("{pointer}/name"), &self.name);
        problems.refuse_if(self.percent_ppm > ALL_OF_IT, &format!("{pointer}/percent_ppm"), too_much);
        for (index, region) in self.regions.iter().enumerate() {
            let pointer = format!("{pointer}/regions/{index}");
            let words = "must be a region without its country, such as CA";
            problems.refuse_if(!is_region(region), &pointer, words);
            problems.refuse_if(self.regions[..index].contains(region), &pointer, "stands twice");
        }
        for (index, own) in self.categories.iter().enumerate() {
            let pointer = format!("{pointer}/categories/{index}");
            problems.tax_category(&format!("{pointer}/category"), &own.category);
            let is_twice = self.categories[..index].iter().any(|other| other.category == own.category);
            problems.refuse_if(is_twice, &format!("{pointer}/category"), "stands twice");
            problems.refuse_if(own.percent_ppm > ALL_OF_IT, &format!("{pointer}/percent_ppm"), too_much);
        }
    }
}

#[cfg(test)]
mod tests {
    use martlet_plugin_sdk::{
        guest,
        testing::{CartBuilder, LineBuilder, expect_complete_description, problems_at},
        types::TaxScope,
    };

    use super::*;

    const TABLE: &str = r#"{"countries": [
        {"country": "DE", "included": true, "components": [
            {"name": "MwSt", "percent_ppm": 190000, "categories": [{"category": "food", "percent_ppm": 70000}]}]},
        {"country": "US", "included": false, "components": [
            {"name": "California", "regions": ["CA"], "percent_ppm": 72500,
             "categories": [{"category": "food", "percent_ppm": 0}]},
            {"name": "County", "regions": ["CA"], "percent_ppm": 2500}]}],
        "exempt": [{"group": "charity"}, {"group": "eu-business", "to": ["DE"], "why": "reverse_charge"}]}"#;

    fn cart() -> CartBuilder {
        CartBuilder::new("EUR", 2)
            .line(LineBuilder::new("MUG", 1, 1_500))
            .line(LineBuilder::new("TEA", 1, 900).tax_category("food"))
            .line(LineBuilder::new("SOCK", 1, 1_400))
    }

    fn find(cart: CartBuilder) -> Taxes {
        TaxTable::find_taxes(&cart.build(), &guest::check::<TaxTable>(TABLE).unwrap())
    }

    fn rates(taxes: &Taxes) -> Vec<(&str, u32, TaxScope)> {
        taxes.rates.iter().map(|rate| (rate.key.as_str(), rate.rate, rate.scope.clone())).collect()
    }

    #[test]
    fn each_category_has_its_rate_and_shipping_too() {
        let taxes = find(cart().country("DE").shipping("post", 450).without_tax());
        let expected = [
            ("de-0.70000", 70_000, TaxScope::Lines(vec![1])),
            ("de-0.190000", 190_000, TaxScope::Lines(vec![0, 2])),
            ("de-0.shipping", 190_000, TaxScope::Shipping),
        ];
        assert!(taxes.included);
        assert_eq!(rates(&taxes), expected);
        let words = [argument("name", "MwSt"), argument("percent", "7")];
        assert_eq!(taxes.rates[0].name, message("tax", words));
    }

    #[test]
    fn components_add_up() {
        let taxes = find(cart().region("US", "CA"));
        let expected = [
            ("us-0.0", 0, TaxScope::Lines(vec![1])),
            ("us-0.72500", 72_500, TaxScope::Lines(vec![0, 2])),
            ("us-1", 2_500, TaxScope::All),
        ];
        assert!(!taxes.included);
        assert_eq!(rates(&taxes), expected);
    }

    #[test]
    fn an_empty_cart_has_rates_too() {
        let taxes = find(CartBuilder::new("EUR", 2).country("DE"));
        assert_eq!(rates(&taxes), [("de-0", 190_000, TaxScope::All)]);
    }

    #[test]
    fn exempt_groups_pay_none() {
        let charity = find(cart().region("US", "CA").customer(&["charity"], 0));
        assert_eq!(rates(&charity), [("exempt", 0, TaxScope::All)]);
        let business = |cart: CartBuilder| find(cart.customer(&["eu-business"], 0));
        assert_eq!(rates(&business(cart().country("DE"))), [("reverse-charge", 0, TaxScope::All)]);
        assert_eq!(business(cart().region("US", "CA")).rates.len(), 3);
        // It needs neither a destination nor a country of the table.
        assert_eq!(find(cart().customer(&["charity"], 0)).rates.len(), 1);
        assert_eq!(find(cart().country("FR").customer(&["charity"], 0)).rates.len(), 1);
    }

    #[test]
    fn says_why_it_knows_no_rates() {
        let reason = |cart| {
            let taxes = find(cart);
            assert!(taxes.rates.is_empty() && taxes.included);
            taxes.declined[0].message.key.clone()
        };
        assert_eq!(reason(cart()), "sdk-no-destination");
        assert_eq!(reason(cart().country("FR")), "no-country");
        assert_eq!(reason(cart().region("US", "OR")), "other-region");
        assert_eq!(reason(cart().country("US")), "no-region");
    }

    #[test]
    fn without_a_region_the_rest_of_a_country_is_not_taken_for_it() {
        let json = r#"{"countries": [{"country": "US", "components": [
            {"name": "California", "regions": ["CA"], "percent_ppm": 72500},
            {"name": "No sales tax", "percent_ppm": 0}]}],
            "exempt": [{"group": "reseller"}]}"#;
        let find = |cart: CartBuilder| {
            let taxes = TaxTable::find_taxes(&cart.build(), &guest::check::<TaxTable>(json).unwrap());
            (taxes.rates.len(), taxes.declined.first().map(|declined| declined.message.key.clone()))
        };
        assert_eq!(find(cart().country("US")), (0, Some("no-region".to_owned())));
        assert_eq!(find(cart().region("US", "OR")), (1, None));
        assert_eq!(find(cart().region("US", "CA")), (2, None));
        assert_eq!(find(cart().country("US").customer(&["reseller"], 0)), (1, None));
    }

    #[test]
    fn refuses_more_than_all_of_a_price() {
        let places = |components: &str| {
            let country = format!(r#"{{"country": "US", "components": [{components}]}}"#);
            problems_at::<TaxTable>(&format!(r#"{{"countries": [{country}]}}"#))
        };
        let country =
            r#"{"name": "a", "percent_ppm": 500000, "categories": [{"category": "x", "percent_ppm": 0}]}"#;
        let state = |ppm: u32, more: &str| {
            format!(r#"{country}, {{"name": "b", "regions": ["CA", "NY"], "percent_ppm": {ppm}{more}}}"#)
        };
        assert_eq!(places(&state(500_000, "")), [""; 0]);
        assert_eq!(places(&state(500_001, "")), ["/countries/0/components"]);
        let own = r#", "categories": [{"category": "y", "percent_ppm": 600000}]"#;
        assert_eq!(places(&state(0, own)), ["/countries/0/components"]);
        assert_eq!(places(&state(0, &own.replace(r#""y""#, r#""x""#))), [""; 0]);
        // They never meet.
        let apart = r#"{"name": "a", "regions": ["CA"], "percent_ppm": 900000},
            {"name": "b", "regions": ["NY"], "percent_ppm": 900000}"#;
        assert_eq!(places(apart), [""; 0]);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let places = problems_at::<TaxTable>;
        assert_eq!(places(r#"{"countries": []}"#), ["/countries"]);
        let wrong = r#"{"countries": [
            {"country": "us", "components": []},
            {"country": "DE", "components": [{"name": "", "regions": ["DE-BY", "BY", "BY"], "percent_ppm": 1000001,
             "categories": [{"category": "a", "percent_ppm": 2000000}, {"category": "a", "percent_ppm": 0}]}]},
            {"country": "DE", "components": [{"name": "x", "percent_ppm": 0}]}],
            "exempt": [{"group": "", "to": ["x"]}]}"#;
        let expected = [
            "/countries/0/country",
            "/countries/0/components",
            "/countries/1/components/0/name",
            "/countries/1/components/0/percent_ppm",
            "/countries/1/components/0/regions/0",
            "/countries/1/components/0/regions/2",
            "/countries/1/components/0/categories/0/percent_ppm",
            "/countries/1/components/0/categories/1/category",
            "/countries/1/components",
            "/countries/2/country",
            "/exempt/0/group",
            "/exempt/0/to/0",
        ];
        assert_eq!(places(wrong), expected);
    }

    #[test]
    fn an_unreadable_configuration_is_declined() {
        let taxes = guest::find_taxes::<TaxTable>(&cart().build(), "{}");
        assert_eq!(taxes.declined[0].message.key, "sdk-invalid-config");
        assert!(taxes.rates.is_empty() && taxes.included);
    }

    #[test]
    fn its_description_is_complete() {
        expect_complete_description::<TaxTable>();
    }
}
