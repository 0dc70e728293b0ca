//! Who may do what on the merchants' side: roles, and scopes within them.
//!
//! What a request needs is a [`Scope`]. What a key has is a [`Grant`]: a [`Role`], and optionally a list
//! of scopes that is narrower than the role. A key never has more than its role, whatever its list says.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Malformed;

/// A part of the merchants' side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Products, variants, prices, stock and categories.
    Catalog,
    /// Coupons and who may claim them.
    Coupons,
    /// Orders and their steps.
    Orders,
    /// Customers.
    Customers,
    /// Plugins and their versions: uploads.
    Plugins,
    /// Plugin versions at work in the store.
    Installations,
    /// Rulebooks: which one is active.
    Rulebooks,
    /// Carts priced under rules that aren't active.
    Simulations,
    /// API keys.
    Keys,
    /// The audit log.
    Audit,
}

/// What is done in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Looking.
    Read,
    /// Changing. Doesn't include looking.
    Write,
}

/// A permission: one kind of access to one area. As text `catalog:write`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// Where.
    pub area: Area,
    /// What.
    pub access: Access,
}

/// What somebody is on the merchants' side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// May do everything.
    #[default]
    Owner,
    /// Runs the store: everything but uploads, keys and the audit log.
    Staff,
    /// Writes plugins and tries them. Sees no orders and no customers.
    Developer,
}

/// What a key may do: its role, narrowed by a list of scopes where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    role: Role,
    scopes: Option<BTreeSet<Scope>>,
}

/// A list of scopes isn't one that a role can be narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Nothing would be left.
    #[error("a list of scopes has at least one; without a list a key has all of its role")]
    Nothing,
    /// The role itself has less.
    #[error("the role {role} doesn't have the scope {scope}")]
    Beyond {
        /// The role.
        role: Role,
        /// The first scope that it doesn't have.
        scope: Scope,
    },
}

impl Area {
    /// Every area, in the order in which they are listed.
    pub const ALL: [Self; 10] = [
        Self::Catalog,
        Self::Coupons,
        Self::Orders,
        Self::Customers,
        Self::Plugins,
        Self::Installations,
        Self::Rulebooks,
        Self::Simulations,
        Self::Keys,
        Self::Audit,
    ];

    /// What it is called in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Coupons => "coupons",
            Self::Orders => "orders",
            Self::Customers => "customers",
            Self::Plugins => "plugins",
            Self::Installations => "installations",
            Self::Rulebooks => "rulebooks",
            Self::Simulations => "simulations",
            Self::Keys => "keys",
            Self::Audit => "audit",
        }
    }
}

impl Access {
    /// Either.
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// What it is called in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Scope {
    /// Looking at an area.
    pub const fn read(area: Area) -> Self {
        Self { area, access: Access::Read }
    }

    /// Changing an area.
    pub const fn write(area: Area) -> Self {
        Self { area, access: Access::Write }
    }

    /// Every scope there is, by area.
    pub fn all() -> impl Iterator<Item = Self> {
        Area::ALL.into_iter().flat_map(|area| Access::ALL.map(|access| Self { area, access }))
    }
}

impl Role {
    /// Every role, the one that may do most first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Staff, Self::Developer];

    /// What it is called, where it is stored too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Staff => "staff",
            Self::Developer => "developer",
        }
    }

    /// Whether the role has a scope.
    pub const fn has(self, scope: Scope) -> bool {
        use Area::{Audit, Catalog, Coupons, Installations, Keys, Plugins, Rulebooks, Simulations};
        match self {
            Self::Owner => true,
            Self::Staff => match scope.access {
                Access::Read => !matches!(scope.area, Keys | Audit),
                Access::Write => !matches!(scope.area, Plugins | Keys | Audit),
            },
            Self::Developer => match scope.access {
                Access::Read => {
                    matches!(
                        scope.area,
                        Catalog | Coupons | Plugins | Installations | Rulebooks | Simulations
                    )
                }
                Access::Write => matches!(scope.area, Plugins | Installations | Simulations),
            },
        }
    }
}

impl Grant {
    /// All that a role has.
    pub const fn of(role: Role) -> Self {
        Self { role, scopes: None }
    }

    /// No more than these scopes of a role, which must have them all.
    pub fn narrowed(role: Role, scopes: BTreeSet<Scope>) -> Result<Self, GrantError> {
        if scopes.is_empty() {
            return Err(GrantError::Nothing);
        }
        match scopes.iter().find(|scope| !role.has(**scope)) {
            Some(&scope) => Err(GrantError::Beyond { role, scope }),
            None => Ok(Self { role, scopes: Some(scopes) }),
        }
    }

    /// What was granted once, as it is read again. Scopes that the role doesn't have count for nothing.
    pub const fn stored(role: Role, scopes: Option<BTreeSet<Scope>>) -> Self {
        Self { role, scopes }
    }

    /// The role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The list that narrows the role, where there is one.
    pub const fn narrower(&self) -> Option<&BTreeSet<Scope>> {
        self.scopes.as_ref()
    }

    /// Whether it allows what a scope stands for.
    pub fn has(&self, scope: Scope) -> bool {
        self.role.has(scope) && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&scope))
    }

    /// All that it allows, by area.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        Scope::all().filter(|scope| self.has(*scope))
    }

    /// The first scope of another grant that this one doesn't have; nothing where it has them all. Whoever
    /// holds it may give the other away then, unless that one [outgrows](Self::is_outgrown_by) it.
    pub fn lacks(&self, other: &Self) -> Option<Scope> {
        other.scopes().find(|scope| !self.has(*scope))
    }

    /// Whether another grant has what later releases add to its role, while this one stays what its list says.
    pub const fn is_outgrown_by(&self, other: &Self) -> bool {
        self.scopes.is_some() && other.scopes.is_none()
    }

    /// Whether it allows everything there is, what later releases add included.
    pub const fn is_everything(&self) -> bool {
        matches!((self.role, &self.scopes), (Role::Owner, None))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.area.as_str(), self.access.as_str())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let known = text.split_once(':').and_then(|(area, access)| {
            let area = Area::ALL.into_iter().find(|known| known.as_str() == area)?;
            let access = Access::ALL.into_iter().find(|known| known.as_str() == access)?;
            Some(Self { area, access })
        });
        known.ok_or_else(|| {
            let areas = Area::ALL.map(Area::as_str).join(", ");
            Malformed::new("scope", format!("is AREA:read or AREA:write, where AREA is one of {areas}"))
        })
    }
}

impl FromStr for Role {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| {
            Malformed::new("role", format!("is one of {}", Self::ALL.map(Self::as_str).join(", ")))
        })
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
