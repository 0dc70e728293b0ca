//! A promotion that misbehaves on request: `{"mode": "loop"}`. It shows that a cart is still priced
//! by the others, and that the quote says what happened.

use std::hint::black_box;

use martlet_plugin_sdk::{
    CandidateBuilder, Plugin, Promotion, logging, message, template,
    types::{BuyXGetY, Candidate, Cart, Class, Description, Proposal, Scope, ScopeLine, Standing, Value},
};
use serde::Deserialize;

martlet_plugin_sdk::export!(promotion, Hostile, "../../wit/1.0.0");

/// The plugin.
#[derive(Debug)]
pub struct Hostile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
/// What to do, and how much of it.
#[derive(Debug)]
pub struct Config {
    mode: Mode,
    /// How much of it, where that matters.
    #[serde(default)]
    n: u64,
    /// What it announces.
    #[serde(default = "line")]
    classes: Vec<ClassName>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(Debug)]
enum Mode {
    /// For ever.
    Loop,
    Trap,
    /// Without end.
    Recurse,
    /// Grows memory until it is refused.
    Memory,
    /// Lines that aren't there.
    Positions,
    /// More than a unit costs.
    AboveLine,
    Negative,
    /// The largest numbers there are.
    Overflow,
    /// 10,000 of them.
    Candidates,
    /// Megabytes.
    Logs,
    /// A text of megabytes.
    Output,
    BadKey,
    DuplicateKeys,
    /// Neither candidates nor a reason.
    Silent,
    /// A class that it didn't announce.
    WrongClass,
    /// Works for a while, then answers.
    Busy,
    /// 10 % off.
    Good,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Debug)]
enum ClassName {
    Line,
    Order,
    Shipping,
    Total,
}

fn line() -> Vec<ClassName> {
    vec![ClassName::Line]
}

impl Plugin for Hostile {
    type Config = Config;

    fn describe() -> Description {
        Description {
            name: "hostile".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            title: "Hostile".to_owned(),
            summary: "Misbehaves on request.".to_owned(),
            config_schema: r#"{"type": "object", "required": ["mode"]}"#.to_owned(),
            templates: vec![template("it", "en", "it")],
        }
    }
}

impl Promotion for Hostile {
    fn classes(config: &Config) -> Vec<Class> {
        let class = |name: &ClassName| match name {
            ClassName::Line => Class::Line,
            ClassName::Order => Class::Order,
            ClassName::Shipping => Class::Shipping,
            ClassName::Total => Class::Total,
        };
        config.classes.iter().map(class).collect()
    }

    fn propose(_: &Cart, _: Standing, config: &Config) -> Proposal {
        let candidates = match config.mode {
            Mode::Loop => endless(),
            Mode::Trap => trap(),
            Mode::Recurse => vec![good(&black_box(recurse(black_box(1))).to_string())],
            Mode::Memory => grow(),
            Mode::Positions => positions(),
            Mode::AboveLine => vec![
                candidate("each", Value::Each(1_000_000_000_000)),
                candidate("once", Value::Once(1_000_000_000_000)),
            ],
            Mode::Negative => negative(),
            Mode::Overflow => overflow(),
            Mode::Candidates => (0..10_000).map(|index| good(&format!("c{index}"))).collect(),
            Mode::Logs => {
                let words = "x".repeat(10_000);
                (0..config.n.max(300)).for_each(|_| logging::log(logging::Level::Info, &words));
                vec![good("good")]
            }
            Mode::Output => vec![good(&"k".repeat(8 << 20))],
            Mode::BadKey => vec![good(""), good("Not A Key"), good(&"k".repeat(65))],
            Mode::DuplicateKeys => vec![good("same"), good("same")],
            Mode::Silent => Vec::new(),
            Mode::WrongClass => {
                vec![
                    CandidateBuilder::new("total", Class::Total, Value::Percent(500_000), message("it", []))
                        .build(),
                ]
            }
            Mode::Busy => {
                (0..config.n).for_each(|turn| {
                    black_box(turn);
                });
                vec![good("good")]
            }
            Mode::Good => vec![good("good")],
        };
        Proposal { candidates, declined: Vec::new() }
    }
}

fn candidate(key: &str, value: Value) -> Candidate {
    CandidateBuilder::new(key, Class::Line, value, message("it", [])).build()
}

fn good(key: &str) -> Candidate {
    candidate(key, Value::Percent(100_000))
}

fn endless() -> Vec<Candidate> {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn trap() -> Vec<Candidate> {
    panic!("as asked")
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    // The array lives across the call, so that it can't become a loop.
    let frame = black_box([depth; 64]);
    recurse(depth + 1) + frame[black_box(7)]
}

fn grow() -> Vec<Candidate> {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn positions() -> Vec<Candidate> {
    let on = |key, lines: Vec<ScopeLine>| {
        CandidateBuilder::new(key, Class::Line, Value::Percent(500_000), message("it", []))
            .on(Scope::Lines(lines))
            .build()
    };
    let line = |position, quantity| ScopeLine { position, quantity };
    vec![
        on("unknown", vec![line(u32::MAX, None)]),
        on("twice", vec![line(0, None), line(0, None)]),
        on("beyond", vec![line(0, Some(u32::MAX))]),
        on("none", Vec::new()),
        on("zero", vec![line(0, Some(0))]),
    ]
}

fn negative() -> Vec<Candidate> {
    let capped =
        CandidateBuilder::new("cap", Class::Line, Value::Percent(1), message("it", [])).cap(Some(-1)).build();
    vec![
        candidate("each", Value::Each(-1)),
        candidate("across", Value::Across(i64::MIN)),
        candidate("once", Value::Once(-500)),
        candidate("unit-price", Value::UnitPrice(-1)),
        capped,
    ]
}

fn overflow() -> Vec<Candidate> {
    let offer = BuyXGetY {
        buy: Scope::All,
        buy_count: u32::MAX,
        get: Scope::All,
        get_count: u32::MAX,
        percent: 1_000_000,
        most: Some(u32::MAX),
    };
    vec![
        candidate("percent", Value::Percent(u32::MAX)),
        candidate("buy-x-get-y", Value::BuyXGetY(offer)),
        candidate("across", Value::Across(i64::MAX)),
        candidate("each", Value::Each(i64::MAX)),
    ]
}
