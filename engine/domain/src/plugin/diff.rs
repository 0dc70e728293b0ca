//! What two rulebooks differ in.

use serde::Serialize;
use serde_json::Value;

use super::{Group, Installation, Rulebook};

/// What two rulebooks differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulebookDiff<'a> {
    /// Groups, which are the same when they have the same name.
    pub groups: Differences<'a, Group>,
    /// Installations, which are the same when they have the same id.
    pub installations: Differences<'a, Installation>,
}

/// What two lists differ in, each in its list's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences<'a, T> {
    /// In the second alone.
    pub added: Vec<&'a T>,
    /// In the first alone.
    pub removed: Vec<&'a T>,
    /// In both and not alike: before and after.
    pub changed: Vec<(&'a T, &'a T)>,
}

/// What two JSON values differ in at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueChange {
    /// JSON Pointer (RFC 6901) to the place; empty for the whole.
    pub pointer: String,
    /// What stood there; nothing where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What stands there; nothing where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl Rulebook {
    /// What became of it in another one.
    pub fn diff<'a>(&'a self, other: &'a Self) -> RulebookDiff<'a> {
        RulebookDiff {
            groups: differences(&self.groups, &other.groups, |one, two| one.name == two.name),
            installations: differences(&self.installations, &other.installations, |one, two| {
                one.id == two.id
            }),
        }
    }
}

fn differences<'a, T: PartialEq>(
    from: &'a [T],
    to: &'a [T],
    same: impl Fn(&T, &T) -> bool,
) -> Differences<'a, T> {
    let in_other = |item: &T, other: &'a [T]| other.iter().find(|known| same(item, known));
    Differences {
        added: to.iter().filter(|item| in_other(item, from).is_none()).collect(),
        removed: from.iter().filter(|item| in_other(item, to).is_none()).collect(),
        changed: from
            .iter()
            .filter_map(|item| Some((item, in_other(item, to)?)))
            .filter(|(before, after)| before != after)
            .collect(),
    }
}

impl ValueChange {
    /// What two values differ in, place by place, those of the first before what is new in the second.
    /// Members of objects and items of arrays are compared where they stand.
    pub fn between(from: &Value, to: &Value) -> Vec<Self> {
        let mut changes = Vec::new();
        compare("", Some(from), Some(to), &mut changes);
        changes
    }
}

fn compare(pointer: &str, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<ValueChange>) {
    match (from, to) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let new = after.keys().filter(|name| !before.contains_key(*name));
            for name in before.keys().chain(new) {
                let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                compare(&place, before.get(name), after.get(name), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for index in 0..before.len().max(after.len()) {
                compare(&format!("{pointer}/{index}"), before.get(index), after.get(index), changes);
            }
        }
        (from, to) if from == to => {}
        (from, to) => {
            changes.push(ValueChange { pointer: pointer.to_owned(), from: from.cloned(), to: to.cloned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        Timestamp,
        plugin::{GroupClass, GroupMode},
        quote::Class,
    };

    fn group(name: &str, rank: i32) -> Group {
        let class = GroupClass::Candidates(Class::Order);
        Group { name: name.to_owned(), class, rank, mode: GroupMode::Stack, on_list_amounts: false }
    }

    fn rulebook(number: i64, groups: Vec<Group>) -> Rulebook {
        let created_at = Timestamp::from_millis(number);
        Rulebook { number, note: number.to_string(), created_at, groups, installations: Vec::new() }
    }

    #[test]
    fn what_came_went_and_changed_is_told_apart() {
        let one = rulebook(1, vec![group("a", 1), group("b", 1), group("c", 1)]);
        let two = rulebook(2, vec![group("c", 2), group("b", 1), group("d", 1)]);
        let diff = one.diff(&two).groups;
        assert_eq!((diff.added, diff.removed), (vec![&two.groups[2]], vec![&one.groups[0]]));
        assert_eq!(diff.changed, [(&one.groups[2], &two.groups[0])]);
        let same = one.diff(&one);
        assert!(
            same.groups.added.is_empty() && same.groups.removed.is_empty() && same.groups.changed.is_empty()
        );
        let back = two.diff(&one).groups;
        assert_eq!((back.added, back.removed), (vec![&one.groups[0]], vec![&two.groups[2]]));
    }

    #[test]
    fn values_differ_place_by_place() {
        let from = json!({"a": 1, "b": {"x/y": [1, 2], "same": null}, "gone": true, "kind": {"k": 1}});
        let to = json!({"a": 2, "b": {"x/y": [1, 3, 4], "same": null, "~": {}}, "kind": [1], "new": null});
        let changes = ValueChange::between(&from, &to);
        let written: Vec<Value> =
            changes.iter().map(|change| serde_json::to_value(change).unwrap()).collect();
        assert_eq!(
            written,
            [
                json!({"pointer": "/a", "from": 1, "to": 2}),
                json!({"pointer": "/b/x~1y/1", "from": 2, "to": 3}),
                json!({"pointer": "/b/x~1y/2", "to": 4}),
                json!({"pointer": "/b/~0", "to": {}}),
                json!({"pointer": "/gone", "from": true}),
                json!({"pointer": "/kind", "from": {"k": 1}, "to": [1]}),
                json!({"pointer": "/new", "to": null}),
            ]
        );
        assert_eq!(ValueChange::between(&from, &from), []);
        assert_eq!(ValueChange::between(&json!(1), &json!(2))[0].pointer, "");
    }
}
