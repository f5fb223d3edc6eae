//! Subscriptions in an array of the caller's: the key is an index, and its place is found without a search.

use core_policy::subscriptions::{SubscriptionSlot, SubscriptionStorage};

use crate::memory::checked;
use crate::status::redial_status;

/// The most slots of a policy.
pub const REDIAL_MAX_SLOTS: u32 = 65_535;

/// The size of a slot, in numbers of 64 bits.
pub const REDIAL_SLOT_WORDS: usize = 12;

/// Space for one subscription. An array of them is given to `redial_policy_init`, which fills it.
#[repr(C)]
pub struct redial_slot {
    /// Not to be read or written.
    opaque: [u64; REDIAL_SLOT_WORDS],
}

/// What a slot holds.
struct Cell {
    slot: SubscriptionSlot<u32>,
    /// Where the subscription with this cell's index as its key is.
    place: Option<u32>,
}

const _: () = assert!(size_of::<Cell>() <= size_of::<redial_slot>(), "a slot has too few words");
const _: () = assert!(align_of::<Cell>() <= align_of::<redial_slot>());

/// The caller's array.
#[derive(Debug)]
pub(crate) struct Slots {
    cells: *mut Cell,
    count: u32,
}

impl Slots {
    /// Empty subscriptions in this array; null with a count of 0 for none.
    ///
    /// # Safety
    /// `slots` is null with a `count` of 0, or points to as many slots that nobody else uses while this exists.
    pub(crate) unsafe fn new(slots: *mut redial_slot, count: u32) -> Result<Self, redial_status> {
        if count > REDIAL_MAX_SLOTS {
            return Err(redial_status::REDIAL_ERROR_SLOTS);
        }
        if count > 0 {
            checked(slots)?;
        }
        for at in 0..count {
            // SAFETY: below the count, so inside of the caller's array, and a slot is at least as large and as aligned as a cell.
            unsafe {
                slots
                    .add(at as usize)
                    .cast::<Cell>()
                    .write(Cell { slot: SubscriptionSlot::EMPTY, place: None });
            }
        }
        Ok(Self { cells: slots.cast(), count })
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    fn address(&self, at: usize) -> Option<*mut Cell> {
        let inside = u32::try_from(at).is_ok_and(|at| at < self.count);
        // The array began where a slot did, so that every address in it is one of a cell in a slot.
        // SAFETY: below the count, so inside of the caller's array.
        inside.then(|| unsafe { self.cells.cast::<redial_slot>().add(at) }.cast())
    }

    fn cell(&self, at: usize) -> Option<&Cell> {
        // SAFETY: `new` has written the cell, nobody else uses it, and changes go through `&mut self`.
        self.address(at).map(|cell| unsafe { &*cell })
    }

    fn cell_mut(&mut self, at: usize) -> Option<&mut Cell> {
        // SAFETY: as in `cell`, and `&mut self` is the only way to it.
        self.address(at).map(|cell| unsafe { &mut *cell })
    }
}

/// A key, as the index of a cell.
fn index(key: u32) -> usize {
    usize::try_from(key).unwrap_or(usize::MAX)
}

impl SubscriptionStorage for Slots {
    type Key = u32;

    fn slot(&self, at: usize) -> Option<&SubscriptionSlot<u32>> {
        self.cell(at).map(|cell| &cell.slot)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut SubscriptionSlot<u32>> {
        self.cell_mut(at).map(|cell| &mut cell.slot)
    }

    fn grow(&mut self) -> bool {
        false
    }

    fn capacity(&self) -> Option<usize> {
        Some(index(self.count))
    }

    fn position(&self, key: &u32) -> Option<usize> {
        self.cell(index(*key))?.place.map(index)
    }

    fn index(&mut self, key: &u32, at: usize) {
        if let Some(cell) = self.cell_mut(index(*key)) {
            cell.place = u32::try_from(at).ok();
        }
    }

    fn unindex(&mut self, key: &u32) {
        if let Some(cell) = self.cell_mut(index(*key)) {
            cell.place = None;
        }
    }
}
