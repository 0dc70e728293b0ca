//! The design's own example, figure by figure.

use std::{collections::BTreeMap, sync::Arc};

use martlet_domain::{
    Digest, Id, Timestamp,
    coupon::Coupon,
    money::Ppm,
    plugin::{FailurePolicy, Installation, InstallationStage, Rulebook, World},
    quote::{
        Basis, BuyXGetY, Candidate, Class, CouponInput, Decision, Evaluation, Input, LineInput, Message,
        Minimum, Outcome, Pricing, ProductFacts, Proposal, Reason, Scope, Standing, Threshold, Value,
    },
    settings::TaxRates,
};
use uuid::Uuid;

fn id<T>(number: u128) -> Id<T> {
    Id::new(Uuid::from_u128(number))
}

fn installation(number: u8, world: World, class: Class) -> Installation {
    Installation {
        id: id(u128::from(number)),
        sequence: i64::from(number),
        plugin: format!("plugin-{number}"),
        version: "1.0.0".to_owned(),
        component: Digest::of(&[number]),
        world,
        config: "{}".to_owned(),
        classes: vec![class],
        stage: InstallationStage::Active,
        priority: 0,
        group: None,
        failure_policy: FailurePolicy::Skip,
        gift_skus: Vec::new(),
        templates: Vec::new(),
    }
}

fn line(number: u8, quantity: u32, unit_amount: i64) -> LineInput {
    LineInput {
        variant: id(u128::from(number)),
        sku: format!("SKU-{number}").parse().unwrap(),
        options: Vec::new(),
        product: Arc::new(ProductFacts {
            id: id(u128::from(number)),
            handle: format!("product-{number}").parse().unwrap(),
            categories: Vec::new(),
            tags: Vec::new(),
            attributes: Vec::new(),
        }),
        quantity,
        unit_amount,
        floor: 0,
        tax_category: "standard".to_owned(),
    }
}

fn candidate(class: Class, value: Value, threshold: Option<Threshold>) -> Evaluation {
    let message = Message { key: "it".to_owned(), arguments: Vec::new() };
    let candidate = Candidate {
        key: "it".to_owned(),
        class,
        scope: Scope::All,
        value,
        cap: None,
        threshold,
        exclusivity_tags: Vec::new(),
        message,
    };
    Evaluation {
        outcome: Outcome::Proposed(Proposal { candidates: vec![candidate], declined: Vec::new() }),
        fuel: 1,
    }
}

/// KRW, 10 % VAT inclusive; 3 x 3,333, 2 x 5,555, 1 x 12,345 make 33,454. Buy 2 get 1 free over all
/// goods frees two of 3,333: 6,666 off, 26,788 left. 10 % of that is 2,678.8, so 2,679 off, 24,109
/// left. The code for 3,000 from 25,000 is 891 short. VAT 273 + 909 + 1,010 = 2,192.
#[test]
fn the_designs_example_comes_out_to_the_last_won() {
    let rulebook = Rulebook {
        number: 7,
        note: String::new(),
        created_at: Timestamp::from_millis(0),
        groups: Vec::new(),
        installations: vec![
            installation(1, World::Promotion, Class::Line),
            installation(2, World::Promotion, Class::Order),
            installation(3, World::Coupon, Class::Order),
        ],
    };
    let coupon = Coupon {
        id: id(1),
        code: "minus3000".parse().unwrap(),
        installation: id(3),
        config: "{}".to_owned(),
        classes: vec![Class::Order],
        enabled: true,
        starts_at: None,
        ends_at: None,
        total_limit: None,
        per_customer_limit: None,
        version: 1,
    };
    let input = Input {
        rulebook: Arc::new(rulebook),
        as_of: Timestamp::from_millis(1),
        currency: "KRW".parse().unwrap(),
        prices_include_tax: true,
        tax: TaxRates { standard: Ppm(100_000), by_category: BTreeMap::new() },
        customer: None,
        destination: None,
        lines: vec![line(1, 3, 3_333), line(2, 2, 5_555), line(3, 1, 12_345)],
        shipping: None,
        coupons: vec![CouponInput { coupon, standing: Standing::default() }],
        standings: Vec::new(),
        gifts: Vec::new(),
        bucket: 0,
    };

    let mut pricing = Pricing::start(input).unwrap();
    let buy_2_get_1 = Value::BuyXGetY(BuyXGetY {
        buy: Scope::All,
        buy_count: 2,
        get: Scope::All,
        get_count: 1,
        percent: Ppm::ONE,
        most: None,
    });
    assert_eq!(pricing.next_stage().unwrap().calls.len(), 1);
    pricing.resolve(&[candidate(Class::Line, buy_2_get_1, None)]).unwrap();
    assert_eq!(pricing.next_stage().unwrap().calls.len(), 2);
    let from_25_000 = Threshold { minimum: Minimum::Spend(25_000), scope: Scope::All, basis: Basis::Left };
    pricing
        .resolve(&[
            candidate(Class::Order, Value::Percent(Ppm(100_000)), None),
            candidate(Class::Order, Value::Across(3_000), Some(from_25_000)),
        ])
        .unwrap();
    assert_eq!(pricing.next_stage(), None);
    let quote = pricing.finish();

    assert_eq!(quote.totals.goods_subtotal, 33_454);
    let given = |index: usize| match &quote.verdicts[index].decision {
        Decision::Applied(applied) => applied.amount,
        Decision::Rejected(reason) => panic!("{reason:?}"),
    };
    assert_eq!([given(0), given(1)], [6_666, 2_679]);
    assert_eq!(quote.verdicts[2].decision, Decision::Rejected(Reason::BelowMinimumSpend { short: 891 }));
    assert_eq!(quote.lines.iter().map(|line| line.total).collect::<Vec<_>>(), [3_000, 9_999, 11_110]);
    assert_eq!(quote.lines.iter().map(|line| line.tax.amount).collect::<Vec<_>>(), [273, 909, 1_010]);
    assert_eq!((quote.totals.tax, quote.totals.total), (2_192, 24_109));
    assert_eq!(quote.verdicts[2].explain(&[], quote.currency), "below minimum spend, 891 short",);
}
