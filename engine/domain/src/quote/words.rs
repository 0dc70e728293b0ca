//! Verdicts in words that a merchant can read.

mod korean;

use super::{Decision, Failure, Message, Reason, Reduction, Verdict};
use crate::{
    coupon::CouponRefusal,
    money::{Currency, Ppm},
    plugin::Template,
};

/// A language that verdicts are explained in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// `en`.
    #[default]
    English,
    /// `ko`.
    Korean,
}

impl Language {
    /// Its BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The language of a tag such as `ko-KR`, where it is one of these.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        [Self::English, Self::Korean].into_iter().find(|known| known.tag().eq_ignore_ascii_case(primary))
    }
}

/// A message in a language, from a plugin's templates; in English where they lack the language,
/// as its key where they lack the message.
pub fn render(message: &Message, templates: &[Template], language: &str) -> String {
    let find = |language: &str| {
        templates.iter().find(|known| known.key == message.key && known.language == language)
    };
    let Some(template) = find(language).or_else(|| find("en")) else { return message.key.clone() };
    let mut text = String::with_capacity(template.text.len());
    let mut rest = template.text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        match message.arguments.iter().find(|argument| argument.name == name) {
            Some(argument) => text.push_str(&argument.value),
            None => text.extend(["{", name, "}"]),
        }
        rest = after;
    }
    text + rest
}

/// An amount as people write it, without its currency: `19.99`, `1999` or `1.999` by decimals.
pub fn format_amount(amount: i64, currency: Currency) -> String {
    let decimals = usize::from(currency.decimals());
    let digits = format!("{:0width$}", amount.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if amount < 0 { "-" } else { "" };
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Verdict {
    /// What became of it, in a language. `templates` are those of the installation.
    pub fn explain_in(&self, language: Language, templates: &[Template], currency: Currency) -> String {
        match language {
            Language::English => self.explain(templates, currency),
            Language::Korean => korean::verdict(self, templates, currency),
        }
    }

    /// What became of it, in English. `templates` are those of the installation.
    pub fn explain(&self, templates: &[Template], currency: Currency) -> String {
        match &self.decision {
            Decision::Applied(applied) => {
                let given = match &applied.gift {
                    Some(gift) => format!("gives {} of {}", gift.quantity, gift.sku),
                    None if applied.amount < 0 => {
                        format!("adds {}", format_amount(-applied.amount, currency))
                    }
                    None => format!("takes off {}", format_amount(applied.amount, currency)),
                };
                match applied.reduced {
                    Some(Reduction::Cap) => given + ", which is its cap",
                    Some(Reduction::Left) => given + ", all that prices and their floors allow",
                    None => given,
                }
            }
            Decision::Rejected(Reason::Declined) => {
                let message = self.message.as_ref().map(|message| render(message, templates, "en"));
                message.unwrap_or_else(|| "declined".to_owned())
            }
            Decision::Rejected(reason) => reason.explain(currency),
            Decision::Offered { amount, .. } => format!("offered at {}", format_amount(*amount, currency)),
            Decision::Taxed { rate, included: true } => format!("{} % in the prices", percent(*rate)),
            Decision::Taxed { rate, included: false } => format!("{} % on top", percent(*rate)),
            Decision::Objected { .. } => {
                let message = self.message.as_ref().map(|message| render(message, templates, "en"));
                format!("can't be ordered: {}", message.unwrap_or_default())
            }
            Decision::Passed => "nothing against ordering the cart".to_owned(),
        }
    }
}

/// Parts per million as people write per cent: `10`, `8.25`.
fn percent(rate: Ppm) -> String {
    let fraction = format!("{:04}", rate.0 % 10_000);
    match fraction.trim_end_matches('0') {
        "" => (rate.0 / 10_000).to_string(),
        fraction => format!("{}.{fraction}", rate.0 / 10_000),
    }
}

impl Reason {
    /// The reason in a language.
    pub fn explain_in(&self, language: Language, currency: Currency) -> String {
        match language {
            Language::English => self.explain(currency),
            Language::Korean => korean::reason(self, currency),
        }
    }

    /// The reason in English.
    pub fn explain(&self, currency: Currency) -> String {
        match self {
            Self::Declined => "the plugin declined".to_owned(),
            Self::Silent => "the plugin proposed nothing and gave no reason".to_owned(),
            Self::Failed(failure) => failure.explain(),
            Self::Invalid(problem) => format!("not a sound candidate: {problem}"),
            Self::ClassNotAllowed => {
                "a class that the plugin did not announce for its configuration".to_owned()
            }
            Self::WrongStage => "proposed in a stage that its class does not join".to_owned(),
            Self::BelowMinimumSpend { short } => {
                format!("below minimum spend, {} short", format_amount(*short, currency))
            }
            Self::BelowMinimumQuantity { short } => format!("below minimum quantity, {short} short"),
            Self::NoEffect => "nothing left that it could be taken off".to_owned(),
            Self::NotFilled => "the cart does not hold the units that it takes".to_owned(),
            Self::SavesNothing => "it would save nothing on this cart".to_owned(),
            Self::LostTo { winner } => format!("lost to {winner}"),
            Self::Stopped { by } => format!("{by} ended the stage"),
            Self::Excluded { tag, by } => format!("does not go with {by}: both are tagged {tag}"),
            Self::GiftNotGranted => "the installation may not give this variant away".to_owned(),
            Self::GiftOutOfStock { available } => format!("the gift is out of stock, {available} left"),
            Self::BudgetSpent { left } => {
                format!("its budget is spent, {} left", format_amount(*left, currency))
            }
            Self::Coupon(refusal) => refusal.explain().to_owned(),
            Self::Unavailable => "the coupon's plugin is not switched on".to_owned(),
            Self::NoShippingMethod => "no shipping method is chosen yet".to_owned(),
            Self::MethodTaken { by: Some(by) } => format!("{by} offers a method of this handle already"),
            Self::MethodTaken { by: None } => "the store offers a method of this handle itself".to_owned(),
            Self::NotStarted => "its time has not come yet".to_owned(),
            Self::Ended => "its time is over".to_owned(),
        }
    }
}

impl Failure {
    /// The failure in English.
    pub fn explain(&self) -> String {
        match self {
            Self::Trapped(trap) => format!("the plugin crashed: {trap}"),
            Self::OutOfFuel => "the plugin ran out of fuel".to_owned(),
            Self::InvalidOutput(problem) => format!("the plugin's answer is not one: {problem}"),
            Self::TimedOut => "the plugin took too long on this machine; try again".to_owned(),
            Self::StackOverflow => "the plugin's calls nested too deeply".to_owned(),
            Self::HostResources => "this machine had no room to run the plugin; try again".to_owned(),
        }
    }
}

impl CouponRefusal {
    /// The refusal in English.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Disabled => "the coupon is switched off",
            Self::NotStarted => "the coupon is not valid yet",
            Self::Expired => "the coupon has expired",
            Self::UsedUp => "the coupon is used up",
            Self::UsedUpByCustomer => "the customer has used the coupon as often as it allows",
            Self::NeedsCustomer => "the coupon is for customers who are signed in",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote::Argument;

    fn message(key: &str, arguments: &[(&str, &str)]) -> Message {
        let argument =
            |(name, value): &(&str, &str)| Argument { name: (*name).to_owned(), value: (*value).to_owned() };
        Message { key: key.to_owned(), arguments: arguments.iter().map(argument).collect() }
    }

    fn templates(known: &[(&str, &str, &str)]) -> Vec<Template> {
        let template = |(key, language, text): &(&str, &str, &str)| Template {
            key: (*key).to_owned(),
            language: (*language).to_owned(),
            text: (*text).to_owned(),
        };
        known.iter().map(template).collect()
    }

    #[test]
    fn places_are_filled() {
        let rendered = |text, arguments: &[(&str, &str)]| {
            render(&message("k", arguments), &templates(&[("k", "en", text)]), "en")
        };
        assert_eq!(rendered("{a} % off {b}", &[("a", "10"), ("b", "socks")]), "10 % off socks");
        assert_eq!(rendered("{a}{a}", &[("a", "x")]), "xx");
        assert_eq!(rendered("{missing}", &[]), "{missing}");
        assert_eq!(rendered("open { and } shut", &[]), "open { and } shut");
        assert_eq!(rendered("ends {", &[("a", "x")]), "ends {");
        assert_eq!(rendered("ends {a", &[("a", "x")]), "ends {a");
        assert_eq!(rendered("{a}", &[("a", "{b}"), ("b", "never")]), "{b}");
        assert_eq!(rendered("", &[]), "");
    }

    #[test]
    fn words_come_in_the_language_else_in_english_else_as_the_key() {
        let known = templates(&[("k", "en", "off"), ("k", "ko", "할인"), ("only-en", "en", "new")]);
        assert_eq!(render(&message("k", &[]), &known, "ko"), "할인");
        assert_eq!(render(&message("k", &[]), &known, "fr"), "off");
        assert_eq!(render(&message("only-en", &[]), &known, "ko"), "new");
        assert_eq!(render(&message("unknown", &[]), &known, "ko"), "unknown");
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let amounts = [
            ("USD", 1_999, "19.99"),
            ("USD", 5, "0.05"),
            ("USD", 0, "0.00"),
            ("USD", -5, "-0.05"),
            ("USD", -12_345, "-123.45"),
            ("KRW", 1_999, "1999"),
            ("KRW", -1, "-1"),
            ("KRW", 0, "0"),
            ("KWD", 1_999, "1.999"),
            ("KWD", 7, "0.007"),
            ("USD", i64::MIN, "-92233720368547758.08"),
        ];
        for (currency, amount, expected) in amounts {
            assert_eq!(format_amount(amount, currency.parse().unwrap()), expected);
        }
    }
}
