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
}
