//! A balanced tree of slots in the order of sending.
//!
//! Each slot has a summary of its subtree, and a change of every key is stored at the root and passed down when a path is
//! walked, so that no call is linear in the number of keys.

use core::cmp::Ordering;

use super::SubscriptionStorage;
use super::slot::{Entry, NIL, Slot, Summary, Tag};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// On which side of `slot` the entry lies.
    fn of<K>(entry: &Entry, slot: &Slot<K>) -> Self {
        match entry.rank(&slot.entry) {
            Ordering::Less => Self::Left,
            Ordering::Equal | Ordering::Greater => Self::Right,
        }
    }
}

pub(super) fn get<A: SubscriptionStorage>(slots: &A, at: u32) -> Option<&Slot<A::Key>> {
    // There are fewer slots than `NIL`, so that none has that number.
    slots.slot(usize::try_from(at).ok()?)
}

pub(super) fn get_mut<A: SubscriptionStorage>(slots: &mut A, at: u32) -> Option<&mut Slot<A::Key>> {
    slots.slot_mut(usize::try_from(at).ok()?)
}

/// The summary of the subtree at `at`.
pub(super) fn summary<A: SubscriptionStorage>(slots: &A, at: u32) -> Summary {
    get(slots, at).map_or(Summary::NOTHING, Slot::summary)
}

/// Applies a change to every key of the subtree at `at`.
pub(super) fn tell<A: SubscriptionStorage>(slots: &mut A, at: u32, tag: Tag) {
    if let Some(slot) = get_mut(slots, at) {
        slot.take(tag);
    }
}

/// The entry of the key in slot `wanted`, with the changes that are pending on its path.
pub(super) fn entry<A: SubscriptionStorage>(slots: &A, root: u32, wanted: u32) -> Option<Entry> {
    let target = get(slots, wanted)?;
    let (mut at, mut tag) = (root, Tag::NOTHING);
    while at != wanted {
        let slot = get(slots, at)?;
        tag = slot.tag().then(tag);
        at = child(slot, Side::of(&target.entry, slot));
    }
    let mut entry = target.entry;
    tag.change(&mut entry);
    Some(entry)
}

/// The slot and the entry of the first key after `after` that is `wanted`. `tag` is the change that is pending for `root`.
pub(super) fn next<A: SubscriptionStorage>(
    slots: &A,
    root: u32,
    tag: Tag,
    after: Option<&Entry>,
    wanted: &impl Fn(&Summary) -> bool,
) -> Option<(u32, Entry)> {
    let slot = get(slots, root)?;
    if !wanted(&tag.summary(slot.summary())) {
        return None;
    }
    let below = slot.tag().then(tag);
    if after.is_none_or(|after| after.rank(&slot.entry).is_lt()) {
        let found = next(slots, slot.left, below, after, wanted);
        if found.is_some() {
            return found;
        }
        let mut entry = slot.entry;
        tag.change(&mut entry);
        if wanted(&entry.summary()) {
            return Some((root, entry));
        }
    }
    next(slots, slot.right, below, after, wanted)
}

/// Changes the entry of the key in slot `wanted`. True if that changed the summary of the subtree at `root`.
pub(super) fn change<A: SubscriptionStorage>(
    slots: &mut A,
    root: u32,
    wanted: u32,
    with: &mut impl FnMut(&mut Entry),
) -> bool {
    hand_down(slots, root);
    if root == wanted {
        let Some(slot) = get_mut(slots, root) else { return false };
        with(&mut slot.entry);
    } else {
        let (Some(target), Some(slot)) = (get(slots, wanted), get(slots, root)) else { return false };
        let below = child(slot, Side::of(&target.entry, slot));
        if !change(slots, below, wanted, with) {
            return false;
        }
    }
    sum_up(slots, root)
}

/// Changes the first `left` keys that are `wanted`, in order, and counts `left` down.
pub(super) fn change_each<A: SubscriptionStorage>(
    slots: &mut A,
    root: u32,
    left: &mut usize,
    wanted: &impl Fn(&Summary) -> bool,
    with: &mut impl FnMut(&mut Entry),
) {
    if *left == 0 || root == NIL || !wanted(&summary(slots, root)) {
        return;
    }
    hand_down(slots, root);
    change_each(slots, child_of(slots, root, Side::Left), left, wanted, with);
    if let (Some(slot), true) = (get_mut(slots, root), *left > 0) {
        if wanted(&slot.entry.summary()) {
            with(&mut slot.entry);
            *left = left.saturating_sub(1);
        }
    }
    change_each(slots, child_of(slots, root, Side::Right), left, wanted, with);
    sum_up(slots, root);
}

/// Inserts the slot `new`, which is in no tree, into the one at `root`, and returns the new root.
pub(super) fn insert<A: SubscriptionStorage>(slots: &mut A, root: u32, new: u32) -> u32 {
    hand_down(slots, root);
    let (Some(slot), Some(added)) = (get(slots, root), get(slots, new)) else { return new };
    let side = Side::of(&added.entry, slot);
    let below = insert(slots, child(slot, side), new);
    set_child(slots, root, side, below);
    balance(slots, root)
}

/// Removes the slot `gone` from the tree at `root`, and returns the new root. The slot has received its changes.
pub(super) fn remove<A: SubscriptionStorage>(slots: &mut A, root: u32, gone: u32) -> u32 {
    hand_down(slots, root);
    let (Some(slot), Some(old)) = (get(slots, root), get(slots, gone)) else { return root };
    if root != gone {
        let side = Side::of(&old.entry, slot);
        let below = remove(slots, child(slot, side), gone);
        set_child(slots, root, side, below);
        return balance(slots, root);
    }
    let (left, right) = (slot.left, slot.right);
    set_child(slots, gone, Side::Left, NIL);
    set_child(slots, gone, Side::Right, NIL);
    measure(slots, gone);
    if left == NIL || right == NIL {
        return if left == NIL { right } else { left };
    }
    let (first, rest) = take_first(slots, right);
    set_child(slots, first, Side::Left, left);
    set_child(slots, first, Side::Right, rest);
    balance(slots, first)
}

/// The first slot of the subtree at `root`, and the rest.
fn take_first<A: SubscriptionStorage>(slots: &mut A, root: u32) -> (u32, u32) {
    hand_down(slots, root);
    let left = child_of(slots, root, Side::Left);
    if left == NIL {
        return (root, child_of(slots, root, Side::Right));
    }
    let (first, rest) = take_first(slots, left);
    set_child(slots, root, Side::Left, rest);
    (first, balance(slots, root))
}

/// Rotates until the heights of the two children differ by one at most, and returns the new top.
fn balance<A: SubscriptionStorage>(slots: &mut A, at: u32) -> u32 {
    let (left, right) = heights(slots, at);
    let high = if left > right.saturating_add(1) {
        Side::Left
    } else if right > left.saturating_add(1) {
        Side::Right
    } else {
        measure(slots, at);
        return at;
    };
    let up = child_of(slots, at, high);
    let (left, right) = heights(slots, up);
    let (outer, inner) = if high == Side::Left { (left, right) } else { (right, left) };
    if inner > outer {
        let up = rotate(slots, up, high.other());
        set_child(slots, at, high, up);
    }
    rotate(slots, at, high)
}

/// Rotates the child on this side to the top.
fn rotate<A: SubscriptionStorage>(slots: &mut A, at: u32, side: Side) -> u32 {
    let up = child_of(slots, at, side);
    hand_down(slots, at);
    hand_down(slots, up);
    let moved = child_of(slots, up, side.other());
    set_child(slots, at, side, moved);
    set_child(slots, up, side.other(), at);
    measure(slots, at);
    measure(slots, up);
    up
}

fn measure<A: SubscriptionStorage>(slots: &mut A, at: u32) {
    let (left, right) = heights(slots, at);
    if let Some(slot) = get_mut(slots, at) {
        slot.height = left.max(right).saturating_add(1);
    }
    sum_up(slots, at);
}

/// The heights of the two children.
fn heights<A: SubscriptionStorage>(slots: &A, at: u32) -> (u8, u8) {
    let height = |side| get(slots, child_of(slots, at, side)).map_or(0, |slot| slot.height);
    (height(Side::Left), height(Side::Right))
}

/// Passes the pending change to the children.
fn hand_down<A: SubscriptionStorage>(slots: &mut A, at: u32) {
    let Some(slot) = get_mut(slots, at) else { return };
    let tag = slot.tag();
    if tag == Tag::NOTHING {
        return;
    }
    slot.set_tag(Tag::NOTHING);
    let (left, right) = (slot.left, slot.right);
    tell(slots, left, tag);
    tell(slots, right, tag);
}

/// Updates the summary of the subtree; false if nothing changed.
fn sum_up<A: SubscriptionStorage>(slots: &mut A, at: u32) -> bool {
    let Some(slot) = get(slots, at) else { return false };
    let sum = slot.entry.summary().and(summary(slots, slot.left)).and(summary(slots, slot.right));
    let Some(slot) = get_mut(slots, at) else { return false };
    let changed = slot.summary() != sum;
    slot.set_summary(sum);
    changed
}

const fn child<K>(slot: &Slot<K>, side: Side) -> u32 {
    match side {
        Side::Left => slot.left,
        Side::Right => slot.right,
    }
}

fn child_of<A: SubscriptionStorage>(slots: &A, at: u32, side: Side) -> u32 {
    get(slots, at).map_or(NIL, |slot| child(slot, side))
}

fn set_child<A: SubscriptionStorage>(slots: &mut A, at: u32, side: Side, child: u32) {
    if let Some(slot) = get_mut(slots, at) {
        match side {
            Side::Left => slot.left = child,
            Side::Right => slot.right = child,
        }
    }
}
