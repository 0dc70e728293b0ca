//! What is said of a price that can't be worked out again, or comes to something else.

use martlet_domain::{
    plugin::Rulebook,
    quote::{Call, Difference, Outcome, Recorded, Stage},
};
use serde::Serialize;

use crate::price_cart::CallReport;

/// Letters that are shown before and after the place where two texts part.
const AROUND: usize = 80;

/// Where two receipts part, in words.
pub(super) fn difference(
    rulebook: &Rulebook,
    recorded: &Recorded,
    replayed: &Recorded,
    calls: &[CallReport],
) -> String {
    match recorded.first_difference(replayed) {
        Some(Difference::Answer { stage, call, recorded, replayed }) => {
            let whose = whose(rulebook, calls, stage, call);
            format!(
                "{whose} answered otherwise in the stage {}: {}",
                name(&stage),
                apart(&recorded, &replayed)
            )
        }
        Some(Difference::Verdict { place, recorded, replayed }) => {
            let source = recorded.or(replayed).map_or("", |verdict| verdict.source.name());
            let verdict = apart(&recorded, &replayed);
            format!("the verdict at place {} (`{source}`) is another one: {verdict}", place + 1)
        }
        Some(Difference::Totals { recorded, replayed }) => {
            format!("it comes to something else: {}", apart(recorded, replayed))
        }
        Some(Difference::Question) | None => "its input is written otherwise".to_owned(),
    }
}

/// Which component failed for reasons of this machine, and why.
pub(super) fn hindered(rulebook: &Rulebook, calls: &[CallReport]) -> String {
    let failed = calls.iter().find_map(|report| match &report.evaluated.evaluation.outcome {
        Outcome::Failed(failure) if !failure.is_deterministic() => Some((&report.call, failure)),
        _ => None,
    });
    let said = |(call, failure): (&Call, &martlet_domain::quote::Failure)| {
        format!("{}: {}", asked(rulebook, call), failure.explain())
    };
    failed.map_or_else(String::new, said)
}

/// Who was asked at a place of a stage.
fn whose(rulebook: &Rulebook, calls: &[CallReport], stage: Stage, place: usize) -> String {
    let report = calls.iter().filter(|report| report.stage == stage).nth(place);
    report.map_or_else(
        || format!("component {}, which isn't asked any more,", place + 1),
        |report| asked(rulebook, &report.call),
    )
}

fn asked(rulebook: &Rulebook, call: &Call) -> String {
    let installation = rulebook.installations.iter().find(|known| known.id == call.installation);
    let plugin = installation.map_or("", |installation| &installation.plugin);
    let coupon = call.coupon.as_ref().map(|code| format!(", asked for {code},")).unwrap_or_default();
    format!("`{plugin}` (component {}{coupon})", call.component)
}

/// What two values are where their texts part.
fn apart<T: Serialize + ?Sized>(recorded: &T, replayed: &T) -> String {
    let (before, now) = (text(recorded), text(replayed));
    let same = before.iter().zip(&now).take_while(|(one, other)| one == other).count();
    format!("recorded {}, now {}", around(&before, same), around(&now, same))
}

fn around(text: &[char], place: usize) -> String {
    let (from, to) = (place.saturating_sub(AROUND), (place + AROUND).min(text.len()));
    let shown: String = text.get(from..to).unwrap_or_default().iter().collect();
    let (before, after) = (if from > 0 { "..." } else { "" }, if to < text.len() { "..." } else { "" });
    format!("{before}{shown}{after}")
}

fn text<T: Serialize + ?Sized>(value: &T) -> Vec<char> {
    serde_json::to_string(value).unwrap_or_default().chars().collect()
}

fn name(stage: &Stage) -> String {
    text(stage).into_iter().filter(|letter| *letter != '"').collect()
}
