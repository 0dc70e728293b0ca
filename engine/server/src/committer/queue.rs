//! Who is committed with whom.

use std::collections::{HashMap, HashSet, VecDeque};

use super::keys::Key;

/// Orders in a group at most.
const MOST_ORDERS: usize = 128;
/// Rows that a group touches at most, but for an order that alone touches more.
const MOST_KEYS: usize = 2_000;

/// Orders that wait, and the rows that those being committed touch.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: VecDeque<Waiting<T>>,
    held: HashSet<Key>,
    arrivals: u64,
    running: usize,
    most_running: usize,
    one_writer: bool,
}

/// Orders to be committed together.
#[derive(Debug)]
pub(super) struct Group<T> {
    orders: Vec<Waiting<T>>,
    keys: HashSet<Key>,
}

#[derive(Debug)]
struct Waiting<T> {
    /// The how-manieth it is.
    arrival: u64,
    order: T,
    keys: Vec<Key>,
}

impl<T> Queue<T> {
    /// A queue that lets so many groups run at a time.
    pub(super) fn new(most_running: usize, one_writer: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            held: HashSet::new(),
            arrivals: 0,
            running: 0,
            most_running,
            one_writer,
        }
    }

    /// An order waits from now on for rows that nobody else holds.
    pub(super) fn push(&mut self, order: T, mut keys: Vec<Key>) {
        if self.one_writer {
            keys.push(Key::Writer);
        }
        self.arrivals += 1;
        self.waiting.push_back(Waiting { arrival: self.arrivals, order, keys });
    }

    /// The groups that can be committed now. Nobody overtakes somebody who wants the same row.
    pub(super) fn next_groups(&mut self) -> Vec<Group<T>> {
        let mut forming = Forming { groups: Vec::new(), of: HashMap::new() };
        let mut blocked: HashSet<Key> = HashSet::new();
        let mut left = VecDeque::new();
        for waiting in std::mem::take(&mut self.waiting) {
            let free = waiting.keys.iter().all(|key| !self.held.contains(key) && !blocked.contains(key));
            let room = self.most_running.saturating_sub(self.running);
            let refused = if free { forming.admit(waiting, room) } else { Some(waiting) };
            if let Some(waiting) = refused {
                blocked.extend(&waiting.keys);
                left.push_back(waiting);
            }
        }
        self.waiting = left;
        let mut groups: Vec<Group<T>> = forming.groups.into_iter().flatten().collect();
        self.running += groups.len();
        for group in &mut groups {
            // Merging has mixed them.
            group.orders.sort_by_key(|waiting| waiting.arrival);
            self.held.extend(&group.keys);
        }
        groups
    }

    /// Whether nobody waits behind somebody who is being committed.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.running == 0 || self.waiting.is_empty()
    }

    /// A group is through: others may have its rows.
    pub(super) fn finish(&mut self, group: &Group<T>) {
        self.running -= 1;
        for key in &group.keys {
            self.held.remove(key);
        }
    }
}

impl<T> Group<T> {
    /// Its orders, in the order they came.
    pub(super) fn take(&mut self) -> impl Iterator<Item = T> {
        self.orders.drain(..).map(|waiting| waiting.order)
    }
}

/// Groups on their way; `None` where one was merged into another.
struct Forming<T> {
    groups: Vec<Option<Group<T>>>,
    of: HashMap<Key, usize>,
}

impl<T> Forming<T> {
    /// Puts an order into the group that wants the same rows, or into a new one. Gives it back where
    /// that group is full, and where as many groups run as may and none is forming.
    fn admit(&mut self, waiting: Waiting<T>, room: usize) -> Option<Waiting<T>> {
        let mut same: Vec<usize> = waiting.keys.iter().filter_map(|key| self.of.get(key).copied()).collect();
        same.sort_unstable();
        same.dedup();
        let forming = self.groups.iter().flatten().count();
        let target = match same.first() {
            Some(first) => *first,
            None if forming < room => {
                self.groups.push(Some(Group { orders: Vec::new(), keys: HashSet::new() }));
                self.groups.len() - 1
            }
            // All transactions there may be are taken, so it shares one rather than wait.
            None => match self.groups.iter().rposition(Option::is_some) {
                Some(last) => last,
                None => return Some(waiting),
            },
        };
        let members = || same.iter().chain([&target]).collect::<HashSet<_>>().into_iter();
        let sizes = members().filter_map(|index| self.groups[*index].as_ref());
        let (orders, keys) = sizes
            .fold((1, waiting.keys.len()), |(o, k), group| (o + group.orders.len(), k + group.keys.len()));
        if orders > 1 && (orders > MOST_ORDERS || keys > MOST_KEYS) {
            return Some(waiting);
        }
        for other in same.into_iter().filter(|index| *index != target) {
            self.merge(other, target);
        }
        if let Some(group) = &mut self.groups[target] {
            self.of.extend(waiting.keys.iter().map(|key| (*key, target)));
            group.keys.extend(&waiting.keys);
            group.orders.push(waiting);
        }
        None
    }

    fn merge(&mut self, from: usize, into: usize) {
        let Some(merged) = self.groups[from].take() else { return };
        self.of.extend(merged.keys.iter().map(|key| (*key, into)));
        if let Some(group) = &mut self.groups[into] {
            group.keys.extend(merged.keys);
            group.orders.extend(merged.orders);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn variants(numbers: &[u128]) -> Vec<Key> {
        numbers.iter().map(|number| Key::Variant(Uuid::from_u128(*number))).collect()
    }

    /// A queue in which each order is named by its place, and wants some variants.
    fn queue(most_running: usize, orders: &[&[u128]]) -> Queue<usize> {
        let mut queue = Queue::new(most_running, false);
        for (place, wanted) in orders.iter().enumerate() {
            queue.push(place, variants(wanted));
        }
        queue
    }

    fn names(groups: &mut [Group<usize>]) -> Vec<Vec<usize>> {
        groups.iter_mut().map(|group| group.take().collect()).collect()
    }

    #[test]
    fn strangers_go_apart_and_those_who_want_the_same_go_together() {
        let mut queue = queue(8, &[&[1], &[2], &[1, 3], &[4], &[3]]);
        assert_eq!(names(&mut queue.next_groups()), [vec![0, 2, 4], vec![1], vec![3]]);
        assert!(queue.next_groups().is_empty());
    }

    #[test]
    fn an_order_that_wants_what_two_groups_want_makes_one_of_them_in_the_order_they_came() {
        let mut queue = queue(8, &[&[1], &[2], &[1], &[2, 1], &[2]]);
        assert_eq!(names(&mut queue.next_groups()), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn those_who_come_later_gather_until_the_rows_are_free() {
        let mut queue = queue(8, &[&[1]]);
        let mut first = queue.next_groups();
        for place in 1..4 {
            queue.push(place, variants(&[1]));
            assert!(queue.next_groups().is_empty());
        }
        assert_eq!(names(&mut first), [vec![0]]);
        queue.finish(&first[0]);
        assert_eq!(names(&mut queue.next_groups()), [vec![1, 2, 3]]);
    }

    #[test]
    fn nobody_overtakes_somebody_who_waits_for_the_same_row() {
        let mut queue = queue(8, &[&[1]]);
        let first = queue.next_groups();
        queue.push(1, variants(&[1, 2]));
        // Row 2 is free, but whoever came before wants it.
        queue.push(2, variants(&[2]));
        queue.push(3, variants(&[3]));
        assert_eq!(names(&mut queue.next_groups()), [vec![3]]);
        queue.finish(&first[0]);
        assert_eq!(names(&mut queue.next_groups()), [vec![1, 2]]);
    }

    #[test]
    fn with_all_transactions_taken_strangers_share_one() {
        let mut queue = queue(2, &[&[1], &[2], &[3], &[4]]);
        let first = queue.next_groups();
        assert_eq!(first.len(), 2);
        queue.push(4, variants(&[5]));
        assert!(queue.next_groups().is_empty(), "two are running");
        queue.finish(&first[0]);
        assert_eq!(names(&mut queue.next_groups()), [vec![4]]);
    }

    #[test]
    fn a_group_is_bounded_and_the_rest_goes_next() {
        let all: Vec<&[u128]> = vec![&[1]; MOST_ORDERS + 5];
        let mut queue = queue(8, &all);
        let mut first = queue.next_groups();
        assert_eq!(names(&mut first)[0].len(), MOST_ORDERS);
        queue.finish(&first[0]);
        assert_eq!(names(&mut queue.next_groups())[0].len(), 5);
    }

    #[test]
    fn an_order_with_more_rows_than_a_group_may_have_goes_alone() {
        let many: Vec<u128> = (0..MOST_KEYS as u128 + 1).collect();
        let mut queue = queue(8, &[&many, &[5], &[9_999]]);
        let mut first = queue.next_groups();
        assert_eq!(names(&mut first), [vec![0], vec![2]]);
        queue.finish(&first[0]);
        assert_eq!(names(&mut queue.next_groups()), [vec![1]]);
    }

    #[test]
    fn with_one_writer_everybody_goes_together() {
        let mut queue = Queue::new(1, true);
        queue.push(0, variants(&[1]));
        queue.push(1, variants(&[2]));
        assert_eq!(names(&mut queue.next_groups()), [vec![0, 1]]);
    }
}
