//! Where goods go.

use serde::Deserialize;

use crate::{
    Problems, argument, message, no_destination,
    types::{Cart, Message},
    words::ELSEWHERE,
};

/// Countries (`US`, ISO 3166-1) and regions of them (`US-CA`, ISO 3166-2) in a configuration. No
/// places at all are everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Places(Vec<String>);

impl Places {
    /// Whether they are everywhere.
    pub fn is_everywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// Fine if the cart goes to one of them, else the reason for declining. A region fits only where
    /// the shopper has said it.
    pub fn fit(&self, cart: &Cart) -> Result<(), Message> {
        if self.is_everywhere() {
            return Ok(());
        }
        let destination = cart.destination.as_ref().ok_or_else(no_destination)?;
        let region = destination.region.as_ref().map(|region| format!("{}-{region}", destination.country));
        let fits = |place: &String| *place == destination.country || Some(place) == region.as_ref();
        if self.0.iter().any(fits) {
            return Ok(());
        }
        Err(message(ELSEWHERE, [argument("place", region.as_ref().unwrap_or(&destination.country))]))
    }

    /// Whether a cart could go to one of them or not, as the shopper has named the country without its
    /// region.
    pub fn need_region(&self, cart: &Cart) -> bool {
        let country = cart.destination.as_ref().filter(|it| it.region.is_none()).map(|it| &it.country);
        country.is_some_and(|country| {
            let region = |place: &String| place.split_once('-').is_some_and(|(of, _)| of == country);
            self.0.iter().any(region) && !self.0.contains(country)
        })
    }

    /// Whether all of those others are within these.
    pub fn cover(&self, others: &Self) -> bool {
        let within = |other: &String| {
            let country = other.split('-').next().unwrap_or_default();
            self.0.iter().any(|place| place == other || place == country)
        };
        self.is_everywhere() || (!others.is_everywhere() && others.0.iter().all(within))
    }

    /// Notes what is wrong with them.
    pub fn check(&self, pointer: &str, problems: &mut Problems) {
        for (index, place) in self.0.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            problems.refuse_if(
                !is_place(place),
                &pointer,
                "must be a country (US) or a region of one (US-CA)",
            );
            problems.refuse_if(self.0[..index].contains(place), &pointer, "stands twice");
        }
    }
}

/// Whether a text has the form of a country (ISO 3166-1 alpha-2), such as `US`.
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether a text has the form of a region without its country (ISO 3166-2), such as `CA`.
pub fn is_region(text: &str) -> bool {
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (1..=3).contains(&text.len()) && text.bytes().all(is_code)
}

fn is_place(place: &str) -> bool {
    match place.split_once('-') {
        Some((country, region)) => is_country(country) && is_region(region),
        None => is_country(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::CartBuilder;

    fn places(json: &str) -> Places {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_country_fits_all_its_regions_and_a_region_itself() {
        let fits = |json: &str, cart: CartBuilder| places(json).fit(&cart.build()).map_err(|why| why.key);
        let cart = || CartBuilder::new("USD", 2);
        assert_eq!(fits("[]", cart()), Ok(()));
        assert_eq!(fits(r#"["DE", "US"]"#, cart().region("US", "CA")), Ok(()));
        assert_eq!(fits(r#"["US-CA"]"#, cart().region("US", "CA")), Ok(()));
        assert_eq!(fits(r#"["US-CA"]"#, cart().region("US", "NY")), Err(ELSEWHERE.to_owned()));
        assert_eq!(fits(r#"["US-CA"]"#, cart().country("US")), Err(ELSEWHERE.to_owned()));
        assert_eq!(fits(r#"["US"]"#, cart()), Err(no_destination().key));
    }

    #[test]
    fn places_cover_what_is_within_them() {
        let cover = |one: &str, other: &str| places(one).cover(&places(other));
        assert!(cover(r#"["DE", "US"]"#, r#"["DE", "US-CA"]"#));
        assert!(cover("[]", "[]") && cover("[]", r#"["US"]"#));
        // Something is left to Germany, to New York, to all other states, to all other countries.
        assert!(!cover(r#"["US"]"#, r#"["DE", "US-CA"]"#));
        assert!(!cover(r#"["US-CA"]"#, r#"["US-CA", "US-NY"]"#));
        assert!(!cover(r#"["US-CA"]"#, r#"["US"]"#));
        assert!(!cover(r#"["US"]"#, "[]"));
    }

    #[test]
    fn a_place_that_is_a_region_needs_one() {
        let needs = |json: &str, cart: CartBuilder| places(json).need_region(&cart.build());
        let cart = || CartBuilder::new("USD", 2);
        assert!(needs(r#"["GB", "US-NY"]"#, cart().country("US")));
        assert!(!needs(r#"["GB", "US-NY"]"#, cart().country("GB")));
        assert!(!needs(r#"["US", "US-NY"]"#, cart().country("US")));
        assert!(!needs(r#"["US-NY"]"#, cart().region("US", "CA")));
        assert!(!needs(r#"["US-NY"]"#, cart()));
    }

    #[test]
    fn each_mistake_has_its_place() {
        let mut problems = Problems::default();
        places(r#"["US", "us", "USA", "US-", "US-CA", "US"]"#).check("/to", &mut problems);
        let found: Vec<String> = problems.found.into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(found, ["/to/1", "/to/2", "/to/3", "/to/5"]);
    }
}
