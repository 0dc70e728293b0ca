//! What the command takes, and how it ends.

use clap::Parser as _;

use super::*;
use crate::{cli::Cli, config::DatabaseConfig, replay::tests::Shop, secret::Secret};

/// What the command answers about a shop, or says is wrong with what was asked.
async fn replay(shop: &Shop, order: Option<&str>, store: Option<&str>) -> Result<ExitCode, String> {
    let url = Secret::new(format!("sqlite:{}", shop.file.display()));
    let database = DatabaseConfig { url, ..DatabaseConfig::default() };
    let mut config = Config { database, ..Config::default() };
    config.plugins.slots = 2;
    let (order, store) = (order.map(str::to_owned), store.map(str::to_owned));
    let asked = ReplayArgs { all: order.is_none(), order, since: None, store };
    run(&config, asked).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn success_means_that_all_orders_come_to_the_same_bytes() {
    let shop = Shop::with(2).await;
    let order = &shop.orders[1];
    let named = [order.number.to_string(), order.id.to_string(), order.number.to_string().to_lowercase()];
    for named in &named {
        assert_eq!(replay(&shop, Some(named), None).await, Ok(ExitCode::SUCCESS), "{named}");
    }
    assert_eq!(replay(&shop, None, None).await, Ok(ExitCode::SUCCESS));
    assert_eq!(replay(&shop, None, Some("default")).await, Ok(ExitCode::SUCCESS));
    let words = replay(&shop, Some("0000-0000"), None).await.unwrap_err();
    assert_eq!(words, "there is no order 0000-0000 in the store `default`; --store names another");
    let words = replay(&shop, Some("?"), None).await.unwrap_err();
    assert_eq!(words, "an order is named by its id or its number");
    assert_eq!(replay(&shop, None, Some("nowhere")).await, Err("there is no store `nowhere`".to_owned()));

    let bytes = std::fs::read(&shop.file).unwrap();
    let config = br#"\"percent_ppm\": 100000"#;
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(config)).collect();
    let mut bytes = bytes;
    places.iter().for_each(|at| bytes[at + 17] = b'7');
    std::fs::write(&shop.file, bytes).unwrap();
    // The first was priced before there was this configuration.
    let first = shop.orders[0].id.to_string();
    assert_eq!(replay(&shop, Some(&first), None).await, Ok(ExitCode::SUCCESS));
    assert_eq!(replay(&shop, Some(&named[1]), None).await, Ok(ExitCode::FAILURE));
    assert_eq!(replay(&shop, None, None).await, Ok(ExitCode::FAILURE));
}

#[test]
fn one_order_or_many_are_asked_for() {
    let parse =
        |arguments: &str| Cli::try_parse_from(format!("martlet replay {arguments}").split_whitespace());
    for sound in [
        "7K3M-9QXP",
        "7K3M-9QXP --store other",
        "--all",
        "--all --store other",
        "--since 2026-03-01",
        "--all --since 2026-03-01T12:00:00+09:00",
    ] {
        parse(sound).unwrap();
    }
    for unsound in
        ["", "--store other", "7K3M-9QXP --all", "7K3M-9QXP --since 2026-03-01", "--since yesterday"]
    {
        assert!(parse(unsound).is_err(), "{unsound}");
    }
}

#[test]
fn moments_are_days_or_times() {
    let millis = |text| moment(text).map(Timestamp::as_millis);
    assert_eq!(millis("2026-03-01"), Ok(1_772_323_200_000));
    assert_eq!(millis("2026-03-01T12:00:00Z"), Ok(1_772_366_400_000));
    assert_eq!(millis("2026-03-01T12:00:00.5+02:00"), Ok(1_772_359_200_500));
    for wrong in ["", "2026", "2026-02-30", "01.03.2026", "now", "2026-03-01T12:00:00"] {
        assert!(moment(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn everything_is_counted_and_named() {
    let (order, number) = (Id::new(uuid::Uuid::from_u128(7)), "7K3M-9QXP".to_owned());
    let mut tally = Tally::default();
    let findings = [
        Finding::Same,
        Finding::Different("other words".to_owned()),
        Finding::Refused("it is gone".to_owned()),
        Finding::NotNow("it took too long".to_owned()),
    ];
    for finding in findings {
        let replayed = Replayed { order, number: number.clone(), finding };
        tally.count_in(&replayed);
        let words = describe(&replayed);
        assert!(words.contains("7K3M-9QXP (00000000-0000-0000-0000-000000000007)"), "{words}");
    }
    assert_eq!(tally.summary(), "4 orders: 1 the same, 1 different, 1 refused, 1 not replayed now");
}
