//! What tokens of the provider `test` stand for.

use std::time::Duration;

use martlet_domain::payment::DeclineReason;
use martlet_store::TestOutcome;

use super::rules::{FAILS_CAPTURE_ONCE, REFUSES_REFUNDS};

/// Said to whoever sends another.
pub(in crate::payments) const TOKENS: &str = ": it knows tok_approve, tok_decline, tok_decline_insufficient_funds, \
     tok_decline_expired, tok_delay_MS with 1 to 60000 milliseconds, tok_timeout, tok_timeout_decline, \
     tok_unreachable, tok_capture_fails_once and tok_refund_refused";

/// The longest delay that a token can ask for, in milliseconds.
const MAX_DELAY_MS: u64 = 60_000;

/// What a token stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// This is decided, and said like this.
    Answer(TestOutcome, FirstAnswer),
    /// Nothing gets there.
    Unreachable,
}

/// How the first answer comes. Later ones come at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FirstAnswer {
    /// When it is decided.
    AtOnce,
    /// So much later.
    After(Duration),
    /// It gets lost.
    Never,
}

impl Behaviour {
    /// What a token stands for, if it is one.
    pub(super) fn of(token: &str) -> Option<Self> {
        use FirstAnswer::{After, AtOnce, Never};
        let approved = || TestOutcome::Done(String::new());
        let approved_then = |note: &str| TestOutcome::Done(note.to_owned());
        let declined = |reason: DeclineReason| TestOutcome::Refused(reason.as_str().to_owned());
        Some(match token.strip_prefix("tok_")? {
            "approve" => Self::Answer(approved(), AtOnce),
            "decline" => Self::Answer(declined(DeclineReason::CardDeclined), AtOnce),
            "decline_insufficient_funds" => Self::Answer(declined(DeclineReason::InsufficientFunds), AtOnce),
            "decline_expired" => Self::Answer(declined(DeclineReason::Expired), AtOnce),
            "timeout" => Self::Answer(approved(), Never),
            "timeout_decline" => Self::Answer(declined(DeclineReason::CardDeclined), Never),
            "unreachable" => Self::Unreachable,
            "capture_fails_once" => Self::Answer(approved_then(FAILS_CAPTURE_ONCE), AtOnce),
            "refund_refused" => Self::Answer(approved_then(REFUSES_REFUNDS), AtOnce),
            other => Self::Answer(approved(), After(delay(other.strip_prefix("delay_")?)?)),
        })
    }
}

impl FirstAnswer {
    /// Keeps the one who asked waiting.
    pub(super) async fn wait(self) {
        match self {
            Self::AtOnce => {}
            Self::After(delay) => tokio::time::sleep(delay).await,
            Self::Never => std::future::pending().await,
        }
    }
}

/// Digits only, so that one delay has one token.
fn delay(millis: &str) -> Option<Duration> {
    let plain = !millis.starts_with('0') && millis.bytes().all(|byte| byte.is_ascii_digit());
    let millis: u64 = millis.parse().ok().filter(|_| plain)?;
    (1..=MAX_DELAY_MS).contains(&millis).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_stands_for_nothing_is_none() {
        let unknown = [
            "",
            "approve",
            "tok_",
            "tok_Approve",
            "tok_approve ",
            "tok_delay",
            "tok_delay_",
            "tok_delay_0",
            "tok_delay_60001",
            "tok_delay_-1",
            "tok_delay_+5",
            "tok_delay_05",
            "tok_delay_1.5",
            "tok_delay_99999999999999999999",
            "tok_decline_stolen",
            "4242424242424242",
        ];
        for token in unknown {
            assert_eq!(Behaviour::of(token), None, "{token}");
        }
    }

    #[test]
    fn every_token_that_is_named_is_one() {
        let words = TOKENS.replace("_MS", "_250");
        let tokens: Vec<&str> =
            words.split([' ', ',', ':']).filter(|word| word.starts_with("tok_")).collect();
        assert_eq!(tokens.len(), 10);
        for token in tokens {
            assert!(Behaviour::of(token).is_some(), "{token}");
        }
    }

    #[test]
    fn delays_are_in_milliseconds() {
        for millis in [1, 250, 60_000] {
            let Some(Behaviour::Answer(outcome, first)) = Behaviour::of(&format!("tok_delay_{millis}"))
            else {
                panic!("{millis} ms are a delay");
            };
            assert_eq!(first, FirstAnswer::After(Duration::from_millis(millis)));
            assert_eq!(outcome, TestOutcome::Done(String::new()));
        }
    }
}
