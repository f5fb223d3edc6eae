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
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = E::tables(&mut all).iter().find(|known| **known == entries) {
        return Ok(known);
    }
    let bytes = all.bytes.saturating_add(size_of_val(entries.as_slice()));
    if bytes > MOST {
        return Err(format!(
            "\"{place}\": the tables of all configs that were read have more than {MOST} bytes; use fewer or shorter ones"
        ));
    }
    all.bytes = bytes;
    let table: &'static [E] = Box::leak(entries.into_boxed_slice());
    E::tables(&mut all).push(table);
    Ok(table)
}
