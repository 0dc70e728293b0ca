//! What comes out of the worlds that propose no discounts.

use martlet_domain::{
    money::Ppm,
    quote::{DeliveryDays, Objection, Rates, ShippingRate, TaxRate, TaxScope, Taxes},
};

use super::{
    proposal::{Malformed, at_most, declined, key, message},
    quoted,
};
use crate::bindings::current as wit;

pub(crate) fn rates(answer: wit::Rates, limit: usize) -> Result<Rates, Malformed> {
    at_most(limit, "shipping rates", answer.rates.len())?;
    Ok(Rates {
        rates: answer.rates.into_iter().map(rate).collect::<Result<_, _>>()?,
        declined: declined(answer.declined, limit)?,
    })
}

pub(crate) fn taxes(answer: wit::Taxes, limit: usize) -> Result<Taxes, Malformed> {
    at_most(limit, "tax rates", answer.rates.len())?;
    Ok(Taxes {
        included: answer.included,
        rates: answer.rates.into_iter().map(tax_rate).collect::<Result<_, _>>()?,
        declined: declined(answer.declined, limit)?,
    })
}

pub(crate) fn objections(answer: Vec<wit::Objection>, limit: usize) -> Result<Vec<Objection>, Malformed> {
    at_most(limit, "objections", answer.len())?;
    let objection = |objection: wit::Objection| {
        Ok(Objection {
            key: key("objection", objection.key)?,
            position: objection.position,
            message: message(objection.message)?,
        })
    };
    answer.into_iter().map(objection).collect()
}

fn rate(rate: wit::ShippingRate) -> Result<ShippingRate, Malformed> {
    let key = key("shipping rate", rate.key)?;
    let method = rate.method.parse().map_err(|error| {
        format!("the shipping rate {key} has the method {}, and a {error}", quoted(&rate.method))
    })?;
    Ok(ShippingRate {
        key,
        method,
        amount: rate.amount,
        tax_category: rate.tax_category,
        delivery: rate.delivery.map(|days| DeliveryDays { earliest: days.earliest, latest: days.latest }),
        name: message(rate.name)?,
    })
}

fn tax_rate(rate: wit::TaxRate) -> Result<TaxRate, Malformed> {
    Ok(TaxRate {
        key: key("tax rate", rate.key)?,
        scope: match rate.scope {
            wit::TaxScope::All => TaxScope::All,
            wit::TaxScope::Lines(positions) => TaxScope::Lines(positions),
            wit::TaxScope::Shipping => TaxScope::Shipping,
        },
        rate: Ppm(rate.rate),
        name: message(rate.name)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(key: &str) -> wit::Message {
        wit::Message { key: key.to_owned(), arguments: Vec::new() }
    }

    fn shipping(method: &str) -> wit::ShippingRate {
        wit::ShippingRate {
            key: "post".to_owned(),
            method: method.to_owned(),
            amount: 300,
            tax_category: Some("reduced".to_owned()),
            delivery: Some(wit::DeliveryDays { earliest: 1, latest: 3 }),
            name: words("post"),
        }
    }

    #[test]
    fn every_field_of_a_rate_arrives() {
        let answer = wit::Rates { rates: vec![shipping("post")], declined: Vec::new() };
        let expected = ShippingRate {
            key: "post".to_owned(),
            method: "post".parse().unwrap(),
            amount: 300,
            tax_category: Some("reduced".to_owned()),
            delivery: Some(DeliveryDays { earliest: 1, latest: 3 }),
            name: martlet_domain::quote::Message { key: "post".to_owned(), arguments: Vec::new() },
        };
        assert_eq!(rates(answer, 1), Ok(Rates { rates: vec![expected], declined: Vec::new() }));
    }

    #[test]
    fn a_method_is_a_handle() {
        let answer = wit::Rates { rates: vec![shipping("By Post")], declined: Vec::new() };
        let problem = rates(answer, 1).unwrap_err();
        assert!(
            problem.starts_with("the shipping rate post has the method \"By Post\", and a handle "),
            "{problem}"
        );
    }

    #[test]
    fn every_scope_of_a_tax_rate_arrives() {
        let scopes = [
            (wit::TaxScope::All, TaxScope::All),
            (wit::TaxScope::Lines(vec![2, 0]), TaxScope::Lines(vec![2, 0])),
            (wit::TaxScope::Shipping, TaxScope::Shipping),
        ];
        for (scope, expected) in scopes {
            let rate = wit::TaxRate { key: "vat".to_owned(), scope, rate: 100_000, name: words("vat") };
            let answer = wit::Taxes { included: true, rates: vec![rate], declined: Vec::new() };
            let taxes = taxes(answer, 1).unwrap();
            assert!(taxes.included);
            assert_eq!((&taxes.rates[0].scope, taxes.rates[0].rate), (&expected, Ppm(100_000)));
        }
    }

    #[test]
    fn more_than_the_limit_make_no_answer() {
        let objection = wit::Objection { key: "age".to_owned(), position: Some(4), message: words("age") };
        let two = vec![objection.clone(), objection];
        assert_eq!(objections(two.clone(), 1), Err("2 objections, and the limit is 1".to_owned()));
        assert_eq!(objections(two, 2).unwrap()[0].position, Some(4));
    }
}
