//! Hashing passwords with Argon2id, at a cost that guessing pays for each try.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{Error as HashError, phc::PasswordHash},
};
use tokio::sync::{Semaphore, TryAcquireError};

use super::Password;
use crate::{error::Error, plugins::blocking};

/// How many may wait for each that is worked on. More are told to come back: they would wait for more
/// than a second, and hold their passwords in memory meanwhile.
const WAITING_PER_TURN: usize = 32;
/// Bytes of a salt (RFC 9106, section 3.1).
const SALT: usize = 16;

/// What one password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    /// As the OWASP Password Storage Cheat Sheet has it.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2 }
    }
}

/// Hashes and verifies passwords, few at a time: each takes a core and 19 MiB.
#[derive(Debug)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// One for each that is worked on or waits.
    room: Arc<Semaphore>,
    /// One for each that is worked on.
    turns: Arc<Semaphore>,
    /// What is verified where there is no password, so that it takes as long.
    nobody: String,
}

impl Passwords {
    /// Takes half of the cores at most. `random` is what nobody's password is made of.
    pub fn new(cost: PasswordCost, random: [u8; 32]) -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_turns(cost, random, (cores / 2).max(1))
    }

    fn with_turns(cost: PasswordCost, random: [u8; 32], turns: usize) -> Result<Self, Error> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)
            .map_err(|error| Error::Internal(format!("passwords can't be hashed at {cost:?}: {error}")))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self {
            nobody: hash(&argon2, &random, &random)?,
            argon2,
            room: Arc::new(Semaphore::new(turns * (1 + WAITING_PER_TURN))),
            turns: Arc::new(Semaphore::new(turns)),
        })
    }

    /// The hash of a password as a PHC string, which says how it was made. [`Error::Busy`] when too many
    /// wait already.
    pub async fn hash(&self, password: Password, random: [u8; 32]) -> Result<String, Error> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash(&argon2, password.as_bytes(), &random)).await?
    }

    /// Whether a password is the one that was hashed. Where none was, the answer is no, and takes as
    /// long. [`Error::Busy`] when too many wait already.
    pub async fn verify(&self, password: Password, hashed: Option<String>) -> Result<bool, Error> {
        let known = hashed.is_some();
        let (argon2, hashed) = (self.argon2.clone(), hashed.unwrap_or_else(|| self.nobody.clone()));
        let fits = self.in_turn(move || fits(&argon2, password.as_bytes(), &hashed)).await??;
        Ok(known && fits)
    }

    /// Takes all room for as long as it is held, so that a test sees who would have needed some.
    #[cfg(test)]
    pub async fn take_all_room(&self) -> tokio::sync::OwnedSemaphorePermit {
        let all = u32::try_from(self.room.available_permits()).expect("few");
        Arc::clone(&self.room).acquire_many_owned(all).await.expect("it is open")
    }

    /// Does something in its turn, off the threads that answer requests. Its turn ends when it does,
    /// even if whoever asked has gone.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let ended = || Error::Internal("passwords are no longer hashed".to_owned());
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => Error::Busy,
            TryAcquireError::Closed => ended(),
        })?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ended())?;
        blocking(move || {
            let _held = (room, turn);
            work()
        })
        .await
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], random: &[u8; 32]) -> Result<String, Error> {
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password, &random[..SALT])
        .map_err(|error| Error::Internal(format!("a password can't be hashed: {error}")))?;
    Ok(hash.to_string())
}

fn fits(argon2: &Argon2<'_>, password: &[u8], hashed: &str) -> Result<bool, Error> {
    match argon2.verify_password(password, hashed) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        // The hash isn't repeated: it is as secret as what it was made of.
        Err(error) => Err(Error::Internal(format!("a password's hash can't be worked with: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 8, passes: 1 };

    fn typed(text: &str) -> Password {
        Password::typed(&Secret::new(text))
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = Passwords::new(PasswordCost::default(), [7; 32]).unwrap();
        let hashed = passwords.hash(typed("correct horse"), [1; 32]).await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(passwords.verify(typed("correct horse"), Some(hashed.clone())).await.unwrap());
        assert!(!passwords.verify(typed("correct hors"), Some(hashed.clone())).await.unwrap());
        let salted = passwords.hash(typed("correct horse"), [2; 32]).await.unwrap();
        assert_ne!(salted, hashed);
    }

    #[tokio::test]
    async fn a_hash_made_at_another_cost_is_verified_at_its_own() {
        let (old, new) = (Passwords::new(CHEAP, [7; 32]).unwrap(), PasswordCost::default());
        let hashed = old.hash(typed("correct horse"), [1; 32]).await.unwrap();
        let passwords = Passwords::new(new, [7; 32]).unwrap();
        assert!(passwords.verify(typed("correct horse"), Some(hashed)).await.unwrap());
    }

    #[tokio::test]
    async fn nobodys_password_never_fits() {
        let random = [b'x'; 32];
        let passwords = Passwords::new(CHEAP, random).unwrap();
        let own = std::str::from_utf8(&random).unwrap();
        assert!(passwords.verify(typed(own), Some(passwords.nobody.clone())).await.unwrap());
        assert!(!passwords.verify(typed(own), None).await.unwrap());
        assert!(!passwords.verify(typed(""), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_that_is_none_is_our_trouble_and_not_shown() {
        let passwords = Passwords::new(CHEAP, [7; 32]).unwrap();
        for corrupt in ["", "xyzzy", "$argon2id$v=19$m=19456,t=2,p=1$", "$xyzzy$x"] {
            let failed = passwords.verify(typed("x"), Some(corrupt.to_owned())).await;
            let Err(Error::Internal(words)) = failed else { panic!("{corrupt}: {failed:?}") };
            assert!(!words.contains("xyzzy"), "{words}");
        }
    }

    #[tokio::test]
    async fn when_too_many_wait_others_are_told_so() {
        let passwords = Arc::new(Passwords::with_turns(CHEAP, [7; 32], 1).unwrap());
        let turn = passwords.turns.acquire().await.unwrap();
        let waiting: Vec<_> = (0..=WAITING_PER_TURN)
            .map(|_| {
                let passwords = Arc::clone(&passwords);
                tokio::spawn(async move { passwords.verify(typed("x"), None).await })
            })
            .collect();
        while passwords.room.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(passwords.verify(typed("x"), None).await, Err(Error::Busy)));
        assert!(matches!(passwords.hash(typed("x"), [1; 32]).await, Err(Error::Busy)));
        drop(turn);
        for waiting in waiting {
            assert!(!waiting.await.unwrap().unwrap());
        }
        assert!(!passwords.verify(typed("x"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_turn_goes_on_when_whoever_asked_has_gone() {
        let passwords = Arc::new(Passwords::with_turns(CHEAP, [7; 32], 1).unwrap());
        let (began, begins) = tokio::sync::oneshot::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let asked = Arc::clone(&passwords);
        let asking = tokio::spawn(async move {
            asked
                .in_turn(move || {
                    began.send(()).unwrap();
                    ends.recv().unwrap();
                })
                .await
        });
        begins.await.unwrap();
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        assert_eq!(passwords.turns.available_permits(), 0);
        end.send(()).unwrap();
        assert!(!passwords.verify(typed("x"), None).await.unwrap());
    }
}
