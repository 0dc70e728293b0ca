//! What an order takes of the budgets of an installation.

use serde::{Deserialize, Serialize};

use crate::{Id, plugin::Installation};

/// What an order takes of the budgets of an installation, and which of them count it. Budgets that the
/// installation gets later know nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct BudgetShare {
    /// Whose budgets.
    pub installation: Id<Installation>,
    /// How much, in minor units.
    pub amount: i64,
    /// The day that counts it, where there is a budget a day: days of UTC since 1970-01-01.
    pub day: Option<i64>,
    /// Whether it counts for the order's customer.
    pub by_customer: bool,
}

/// Orders that are older than budgets a day and a customer have pairs, and so have those that are
/// counted in all alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    InAll(Id<Installation>, i64),
    Counted(Id<Installation>, i64, Option<i64>, bool),
}

impl From<Written> for BudgetShare {
    fn from(written: Written) -> Self {
        let (installation, amount, day, by_customer) = match written {
            Written::InAll(installation, amount) => (installation, amount, None, false),
            Written::Counted(installation, amount, day, by_customer) => {
                (installation, amount, day, by_customer)
            }
        };
        Self { installation, amount, day, by_customer }
    }
}

impl From<BudgetShare> for Written {
    fn from(share: BudgetShare) -> Self {
        let BudgetShare { installation, amount, day, by_customer } = share;
        if day.is_none() && !by_customer {
            Self::InAll(installation, amount)
        } else {
            Self::Counted(installation, amount, day, by_customer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    #[test]
    fn shares_of_older_orders_are_read_and_written_as_they_were() {
        for (text, day, by_customer) in [
            (format!(r#"["{ID}",900]"#), None, false),
            (format!(r#"["{ID}",900,20513,true]"#), Some(20_513), true),
            (format!(r#"["{ID}",900,null,true]"#), None, true),
            (format!(r#"["{ID}",900,-1,false]"#), Some(-1), false),
        ] {
            let read: BudgetShare = serde_json::from_str(&text).unwrap();
            let expected = BudgetShare { installation: ID.parse().unwrap(), amount: 900, day, by_customer };
            assert_eq!(read, expected);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        for wrong in ["[]", "{}", &format!(r#"["{ID}"]"#), &format!(r#"["{ID}",1,2,true,3]"#)] {
            assert!(serde_json::from_str::<BudgetShare>(wrong).is_err(), "{wrong}");
        }
    }
}
