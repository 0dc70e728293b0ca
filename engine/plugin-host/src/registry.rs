//! Loaded components, by digest.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use martlet_domain::Digest;

use crate::Component;

/// Loaded components. Which store may run which one is not known here: compiled code alone is
/// shared.
#[derive(Default)]
pub(crate) struct Registry {
    components: RwLock<HashMap<Digest, Arc<Component>>>,
}

impl Registry {
    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<Component>> {
        // A panic elsewhere can't have left the map half-changed.
        self.components.read().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Keeps a component, or answers the same one that came first.
    pub(crate) fn insert(&self, component: Component) -> Arc<Component> {
        let mut components = self.components.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(components.entry(component.digest()).or_insert_with(|| Arc::new(component)))
    }

    pub(crate) fn remove(&self, digest: &Digest) -> Option<Arc<Component>> {
        self.components.write().unwrap_or_else(PoisonError::into_inner).remove(digest)
    }

    /// Forgets a component that nobody holds. Handing one out takes the lock, so nobody gets hold of it
    /// meanwhile.
    pub(crate) fn remove_unheld(&self, digest: &Digest) -> bool {
        let mut components = self.components.write().unwrap_or_else(PoisonError::into_inner);
        let unheld = components.get(digest).is_some_and(|component| Arc::strong_count(component) == 1);
        let removed = if unheld { components.remove(digest) } else { None };
        // Giving back code takes a while.
        drop(components);
        removed.is_some()
    }
}
