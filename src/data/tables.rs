//! Tables that are read at run time. A config borrows its tables for as long as the program runs, so they are kept: each once,
//! however often it is read, and no more than a bounded number of bytes of all of them.

use std::boxed::Box;
use std::format;
use std::string::String;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::vec::Vec;

/// The most bytes of all tables that were read: 65,536 waits.
const MOST: usize = 1 << 20;

static KEPT: Mutex<Kept> = Mutex::new(Kept { delays: Vec::new(), steps: Vec::new(), bytes: 0 });

/// The tables that were read so far.
pub(super) struct Kept {
    delays: Vec<&'static [Duration]>,
    steps: Vec<&'static [u32]>,
    bytes: usize,
}

/// What a table holds.
pub(super) trait Entry: Copy + PartialEq + 'static {
    fn tables(kept: &mut Kept) -> &mut Vec<&'static [Self]>;
}

impl Entry for Duration {
    fn tables(kept: &mut Kept) -> &mut Vec<&'static [Self]> {
        &mut kept.delays
    }
}

impl Entry for u32 {
    fn tables(kept: &mut Kept) -> &mut Vec<&'static [Self]> {
        &mut kept.steps
    }
}

/// The table with these entries. `place` is for the message.
pub(super) fn kept<E: Entry>(entries: Vec<E>, place: &str) -> Result<&'static [E], String> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).keep(entries).ok_or_else(|| {
        format!(
            "\"{place}\": the tables of all configs that were read have more than {MOST} bytes; use fewer or shorter ones"
        )
    })
}

impl Kept {
    /// The table that is there already, or this one, if it has space.
    fn keep<E: Entry>(&mut self, entries: Vec<E>) -> Option<&'static [E]> {
        if let Some(known) = E::tables(self).iter().find(|known| **known == entries) {
            return Some(known);
        }
        let bytes = self.bytes.saturating_add(size_of_val(entries.as_slice()));
        if bytes > MOST {
            return None;
        }
        self.bytes = bytes;
        let table: &'static [E] = Box::leak(entries.into_boxed_slice());
        E::tables(self).push(table);
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_kept_once_and_up_to_a_number_of_bytes() {
        let left = size_of::<Duration>() + size_of::<u32>();
        let mut kept = Kept { delays: Vec::new(), steps: Vec::new(), bytes: MOST - left };
        let delay = Vec::from([Duration::from_secs(1)]);
        assert_eq!(kept.keep(Vec::from([1_u32, 2, 3, 4, 5, 6])), None, "24 bytes where 20 are left");
        let table = kept.keep(delay.clone()).unwrap();
        assert!(core::ptr::eq(kept.keep(delay).unwrap(), table));
        assert_eq!(kept.keep(Vec::from([7_u32])), Some(&[7_u32][..]), "to the last byte");
        assert_eq!(kept.keep(Vec::from([8_u32])), None);
        assert_eq!(kept.keep(Vec::from([7_u32])), Some(&[7_u32][..]));
    }
}
