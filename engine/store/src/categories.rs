//! The tree of categories.

use std::collections::{BTreeSet, HashMap};

use martlet_domain::{
    Id,
    catalog::{Category, Handle},
    settings::Store,
};
use uuid::Uuid;

use crate::{ChangeKind, Db, StoreError, Tx, Unique, codec::RowOf};

#[derive(sqlx::FromRow)]
struct CategoryRow {
    id: Uuid,
    handle: String,
    name: String,
    parent_id: Option<Uuid>,
    position: i64,
}

impl Db {
    /// Stores a category. Its parent must be there. [`Unique::CategoryHandle`] when the handle is
    /// taken.
    pub async fn insert_category(&self, store: Id<Store>, category: &Category) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO categories (store_id, id, handle, name, parent_id, position) \
             VALUES (?, ?, ?, ?, ?, ?)";
        transaction!(self, |tx| {
            if let Some(parent) = category.parent {
                require(tx, store, parent).await?;
            }
            run!(tx, |c| sqlx::query(SQL)
                .bind(store.uuid())
                .bind(category.id.uuid())
                .bind(category.handle.as_str())
                .bind(&category.name)
                .bind(category.parent.map(Id::uuid))
                .bind(category.position)
                .execute(c)
                .await
                .map(drop))
            .map_err(|error| Unique::CategoryHandle.or(error))?;
            tx.log_change(store, ChangeKind::Categories, None).await
        })
    }

    /// The category that a handle names.
    pub async fn find_category_by_handle(
        &self,
        store: Id<Store>,
        handle: &Handle,
    ) -> Result<Option<Category>, StoreError> {
        const SQL: &str = "SELECT id, handle, name, parent_id, position FROM categories \
             WHERE store_id = ? AND handle = ?";
        let row: Option<CategoryRow> = read!(self, |c| sqlx::query_as(SQL)
            .bind(store.uuid())
            .bind(handle.as_str())
            .fetch_optional(c)
            .await)?;
        row.map(CategoryRow::decode).transpose()
    }

    /// All categories of a store, by position among their siblings, then by handle.
    pub async fn list_categories(&self, store: Id<Store>) -> Result<Vec<Category>, StoreError> {
        const SQL: &str = "SELECT id, handle, name, parent_id, position FROM categories \
             WHERE store_id = ? ORDER BY position, handle";
        let rows: Vec<CategoryRow> =
            read!(self, |c| sqlx::query_as(SQL).bind(store.uuid()).fetch_all(c).await)?;
        rows.into_iter().map(CategoryRow::decode).collect()
    }
}

impl CategoryRow {
    fn decode(self) -> Result<Category, StoreError> {
        let id = Id::new(self.id);
        let row = RowOf::entity("categories", id);
        Ok(Category {
            id,
            handle: row.parse("handle", &self.handle)?,
            name: self.name,
            parent: self.parent_id.map(Id::new),
            position: self.position,
        })
    }
}

/// Looks for a parent by hand: MySQL 9.7 lets a composite foreign key from a table to itself pass.
async fn require(tx: &mut Tx, store: Id<Store>, category: Id<Category>) -> Result<(), StoreError> {
    const SQL: &str = "SELECT id FROM categories WHERE store_id = ? AND id = ?";
    let found: Option<Uuid> = run!(tx, |c| sqlx::query_scalar(SQL)
        .bind(store.uuid())
        .bind(category.uuid())
        .fetch_optional(c)
        .await)?;
    found.map(drop).ok_or(StoreError::UnknownReference)
}

/// The category that a handle names and all below it.
pub(crate) fn with_descendants(categories: &[Category], handle: &Handle) -> BTreeSet<Id<Category>> {
    let mut found: BTreeSet<_> =
        categories.iter().filter(|category| category.handle == *handle).map(|category| category.id).collect();
    loop {
        let before = found.len();
        let children = categories
            .iter()
            .filter(|category| category.parent.is_some_and(|parent| found.contains(&parent)))
            .map(|category| category.id)
            .collect::<Vec<_>>();
        found.extend(children);
        if found.len() == before {
            return found;
        }
    }
}

/// The handles of some categories and of all above them, sorted.
pub(crate) fn handles_with_ancestors(
    categories: &HashMap<Id<Category>, Category>,
    of: &[Id<Category>],
) -> Vec<Handle> {
    let mut seen = BTreeSet::new();
    let mut handles = BTreeSet::new();
    for start in of {
        let mut next = Some(*start);
        // `seen` also ends a circle, which only a damaged tree has.
        while let Some(category) = next.filter(|id| seen.insert(*id)).and_then(|id| categories.get(&id)) {
            handles.insert(category.handle.clone());
            next = category.parent;
        }
    }
    handles.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle() -> Vec<Category> {
        let ids = [1_u128, 2, 3].map(|id| Id::new(Uuid::from_u128(id)));
        let category = |index: usize| Category {
            id: ids[index],
            handle: format!("c{index}").parse().unwrap(),
            name: String::new(),
            parent: Some(ids[(index + 1) % 3]),
            position: 0,
        };
        (0..3).map(category).collect()
    }

    #[test]
    fn a_circle_of_categories_is_walked_once() {
        let circle = circle();
        assert_eq!(with_descendants(&circle, &circle[0].handle).len(), 3);
        let start = [circle[1].id];
        let by_id = circle.into_iter().map(|category| (category.id, category)).collect();
        let handles = handles_with_ancestors(&by_id, &start);
        assert_eq!(handles.iter().map(Handle::as_str).collect::<Vec<_>>(), ["c0", "c1", "c2"]);
    }
}
