//! Verdicts in Korean.

use super::{format_amount, percent, render};
use crate::{
    coupon::CouponRefusal,
    money::Currency,
    plugin::Template,
    quote::{Decision, Failure, Reason, Reduction, Verdict},
};

pub(super) fn verdict(verdict: &Verdict, templates: &[Template], currency: Currency) -> String {
    let message = || verdict.message.as_ref().map(|message| render(message, templates, "ko"));
    match &verdict.decision {
        Decision::Applied(applied) => {
            let given = match &applied.gift {
                Some(gift) => format!("{} {}개 증정", gift.sku, gift.quantity),
                None if applied.amount < 0 => {
                    format!("{} 인상", format_amount(-applied.amount, currency))
                }
                None => format!("{} 할인", format_amount(applied.amount, currency)),
            };
            match applied.reduced {
                Some(Reduction::Cap) => given + " (할인 한도까지 적용)",
                Some(Reduction::Left) => given + " (남은 금액과 최저가가 허용하는 만큼 적용)",
                None => given,
            }
        }
        Decision::Rejected(Reason::Declined) => {
            message().unwrap_or_else(|| reason(&Reason::Declined, currency))
        }
        Decision::Rejected(why) => reason(why, currency),
        Decision::Offered { amount, .. } => format!("{}에 제공", format_amount(*amount, currency)),
        Decision::Taxed { rate, included: true } => format!("가격에 {} % 포함", percent(*rate)),
        Decision::Taxed { rate, included: false } => format!("가격에 {} % 추가", percent(*rate)),
        Decision::Objected { .. } => format!("주문할 수 없음: {}", message().unwrap_or_default()),
        Decision::Passed => "주문을 막는 사유 없음".to_owned(),
    }
}

pub(super) fn reason(reason: &Reason, currency: Currency) -> String {
    let amount = |amount: &i64| format_amount(*amount, currency);
    match reason {
        Reason::Declined => "플러그인이 제안하지 않았습니다".to_owned(),
        Reason::Silent => "플러그인이 아무것도 제안하지 않았고 사유도 밝히지 않았습니다".to_owned(),
        Reason::Failed(why) => failure(why),
        Reason::Invalid(problem) => format!("올바르지 않은 제안입니다: {problem}"),
        Reason::ClassNotAllowed => "플러그인이 설정에 대해 알리지 않은 종류의 할인입니다".to_owned(),
        Reason::WrongStage => "해당 종류의 할인이 속하지 않는 단계에서 제안되었습니다".to_owned(),
        Reason::BelowMinimumSpend { short } => format!("최소 구매 금액까지 {} 부족합니다", amount(short)),
        Reason::BelowMinimumQuantity { short } => format!("최소 수량까지 {short}개 부족합니다"),
        Reason::NoEffect => "할인할 금액이 남아 있지 않습니다".to_owned(),
        Reason::NotFilled => "필요한 상품이 장바구니에 충분하지 않습니다".to_owned(),
        Reason::SavesNothing => "이 장바구니에서는 할인되는 금액이 없습니다".to_owned(),
        Reason::LostTo { winner } => format!("{winner}에 밀려 적용되지 않았습니다"),
        Reason::Stopped { by } => format!("{by} 적용으로 이 단계가 끝났습니다"),
        Reason::Excluded { tag, by } => {
            format!("{by}와(과) 함께 쓸 수 없습니다: 둘 다 {tag} 태그가 있습니다")
        }
        Reason::GiftNotGranted => "이 설치에는 해당 상품을 증정할 권한이 없습니다".to_owned(),
        Reason::GiftOutOfStock { available } => {
            format!("증정품 재고가 부족합니다: {available}개 남음")
        }
        Reason::BudgetSpent { left } => format!("예산이 소진되었습니다: {} 남음", amount(left)),
        Reason::Coupon(why) => refusal(*why).to_owned(),
        Reason::Unavailable => "쿠폰의 플러그인이 켜져 있지 않습니다".to_owned(),
        Reason::NoShippingMethod => "아직 배송 방법을 선택하지 않았습니다".to_owned(),
        Reason::MethodTaken { by: Some(by) } => format!("같은 핸들의 배송 방법을 {by}이(가) 이미 제공합니다"),
        Reason::MethodTaken { by: None } => "같은 핸들의 배송 방법을 스토어가 직접 제공합니다".to_owned(),
        Reason::NotStarted => "아직 시작되지 않았습니다".to_owned(),
        Reason::Ended => "기간이 끝났습니다".to_owned(),
    }
}

fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Trapped(trap) => format!("플러그인이 비정상 종료되었습니다: {trap}"),
        Failure::OutOfFuel => "플러그인이 연료를 모두 소진했습니다".to_owned(),
        Failure::InvalidOutput(problem) => format!("플러그인의 응답이 올바르지 않습니다: {problem}"),
        Failure::TimedOut => "이 서버에서 플러그인이 너무 오래 걸렸습니다. 다시 시도하세요".to_owned(),
        Failure::StackOverflow => "플러그인의 호출이 너무 깊게 중첩되었습니다".to_owned(),
        Failure::HostResources => "이 서버에 플러그인을 실행할 자원이 없었습니다. 다시 시도하세요".to_owned(),
    }
}

const fn refusal(refusal: CouponRefusal) -> &'static str {
    match refusal {
        CouponRefusal::Disabled => "사용이 중지된 쿠폰입니다",
        CouponRefusal::NotStarted => "아직 사용할 수 없는 쿠폰입니다",
        CouponRefusal::Expired => "만료된 쿠폰입니다",
        CouponRefusal::UsedUp => "쿠폰이 모두 소진되었습니다",
        CouponRefusal::UsedUpByCustomer => "고객이 사용할 수 있는 횟수를 모두 사용했습니다",
        CouponRefusal::NeedsCustomer => "로그인한 고객만 사용할 수 있는 쿠폰입니다",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote::Language;

    /// Whatever is added to the reasons has words of its own in both languages.
    #[test]
    fn every_reason_has_words_in_korean_that_are_not_the_english_ones() {
        let krw: Currency = "KRW".parse().unwrap();
        let by = || "SUMMER10".to_owned();
        let mut reasons = vec![
            Reason::Declined,
            Reason::Silent,
            Reason::Invalid(by()),
            Reason::ClassNotAllowed,
            Reason::WrongStage,
            Reason::BelowMinimumSpend { short: 891 },
            Reason::BelowMinimumQuantity { short: 2 },
            Reason::NoEffect,
            Reason::NotFilled,
            Reason::SavesNothing,
            Reason::LostTo { winner: by() },
            Reason::Stopped { by: by() },
            Reason::Excluded { tag: "sale".to_owned(), by: by() },
            Reason::GiftNotGranted,
            Reason::GiftOutOfStock { available: 1 },
            Reason::BudgetSpent { left: 5 },
            Reason::Unavailable,
            Reason::NoShippingMethod,
            Reason::MethodTaken { by: Some(by()) },
            Reason::MethodTaken { by: None },
            Reason::NotStarted,
            Reason::Ended,
        ];
        let refusals = [
            CouponRefusal::Disabled,
            CouponRefusal::NotStarted,
            CouponRefusal::Expired,
            CouponRefusal::UsedUp,
            CouponRefusal::UsedUpByCustomer,
            CouponRefusal::NeedsCustomer,
        ];
        reasons.extend(refusals.map(Reason::Coupon));
        let failures = [
            Failure::Trapped("unreachable".to_owned()),
            Failure::OutOfFuel,
            Failure::InvalidOutput("a key".to_owned()),
            Failure::TimedOut,
            Failure::StackOverflow,
            Failure::HostResources,
        ];
        reasons.extend(failures.map(Reason::Failed));
        let hangul = |text: &str| text.chars().any(|character| ('가'..='힣').contains(&character));
        let mut seen = std::collections::BTreeSet::new();
        for reason in reasons {
            let (english, korean) =
                (reason.explain_in(Language::English, krw), reason.explain_in(Language::Korean, krw));
            assert!(hangul(&korean) && !hangul(&english), "{reason:?}: {korean}; {english}");
            assert!(seen.insert(korean), "{reason:?} says what another one does");
        }
    }

    #[test]
    fn what_is_missing_is_said_in_korean() {
        let short = Reason::BelowMinimumSpend { short: 891 };
        let words = short.explain_in(Language::Korean, "KRW".parse().unwrap());
        assert_eq!(words, "최소 구매 금액까지 891 부족합니다");
    }
}
