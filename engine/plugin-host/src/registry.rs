//! Loaded components, by digest.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

use martlet_domain::Digest;

use crate::Component;

/// Loaded components. Which store may run which one is not known here: compiled code alone is
/// shared.
#[derive(Default)]
pub(crate) struct Registry {
    components: RwLock<HashMap<Digest, Kept>>,
}

struct Kept {
    component: Arc<Component>,
    /// Calls of [`Registry::retain`] since it was last asked for.
    idle: AtomicU32,
}

impl Registry {
    pub(crate) fn find(&self, digest: &Digest) -> Option<Arc<Component>> {
        // A panic elsewhere can't have left the map half-changed.
        let components = self.components.read().unwrap_or_else(PoisonError::into_inner);
        let kept = components.get(digest)?;
        // Looked at first, so that cores needn't fight for it.
        if kept.idle.load(Ordering::Relaxed) != 0 {
            kept.idle.store(0, Ordering::Relaxed);
        }
        Some(Arc::clone(&kept.component))
    }

    /// Keeps a component, or answers the same one that came first.
    pub(crate) fn insert(&self, component: Component) -> Arc<Component> {
        let mut components = self.components.write().unwrap_or_else(PoisonError::into_inner);
        let kept = components
            .entry(component.digest())
            .or_insert_with(|| Kept { component: Arc::new(component), idle: AtomicU32::new(0) });
        Arc::clone(&kept.component)
    }

    pub(crate) fn remove(&self, digest: &Digest) -> Option<Arc<Component>> {
        let mut components = self.components.write().unwrap_or_else(PoisonError::into_inner);
        components.remove(digest).map(|kept| kept.component)
    }

    pub(crate) fn len(&self) -> usize {
        self.components.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Forgets those that aren't wanted, that nobody asked for since so many calls of this, and that
    /// nobody holds.
    pub(crate) fn retain(&self, wanted: &BTreeSet<Digest>, calls: u32) -> usize {
        let mut components = self.components.write().unwrap_or_else(PoisonError::into_inner);
        let forgotten: Vec<_> = components
            .extract_if(|digest, kept| {
                let idle = kept.idle.get_mut();
                *idle = idle.saturating_add(1);
                // Handing one out takes the lock, so of one that nobody holds nobody gets hold now.
                *idle > calls && !wanted.contains(digest) && Arc::strong_count(&kept.component) == 1
            })
            .collect();
        // Giving back code takes a while.
        drop(components);
        forgotten.len()
    }
}
