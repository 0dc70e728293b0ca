//! Sessions of customers who have signed in.

use crate::{Entity, Id, Timestamp, customer::Customer};

/// A customer who has signed in, from then until it ends or is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id. Knowing it gives no access: tokens do.
    pub id: Id<Session>,
    /// Whose it is.
    pub customer: Id<Customer>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended before that.
    pub revoked_at: Option<Timestamp>,
}

impl Entity for Session {
    const NAME: &'static str = "session";
}

impl Session {
    /// Whether it can be used at a moment: it isn't revoked, and its end is yet to come.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_session_is_open_until_it_ends_or_is_revoked() {
        let moment = Timestamp::from_millis;
        let mut session = Session {
            id: Id::new(Uuid::from_u128(1)),
            customer: Id::new(Uuid::from_u128(2)),
            created_at: moment(1_000),
            expires_at: moment(2_000),
            revoked_at: None,
        };
        assert!(session.is_open(moment(1_000)) && session.is_open(moment(1_999)));
        assert!(!session.is_open(moment(2_000)));
        // Revoked is revoked, also for an instance whose clock is behind.
        session.revoked_at = Some(moment(1_500));
        assert!(!session.is_open(moment(1_499)) && !session.is_open(moment(1_500)));
    }
}
