//! A timer wheel of the example's own: one timer for each policy, set and moved in constant time.
//!
//! Each of 65,536 slots is a millisecond with the numbers of the timers that come then, in a list of cache lines. A timer
//! that is moved leaves its number behind; the time of its own that every timer has tells, when the slot comes, that this
//! one is elsewhere. So nothing is ever searched for, and what is read together lies together. A timer further away than
//! one turn stays in its slot until its turn comes. Two levels of bits find the next slot with something in it.

/// Slots, and so milliseconds of one turn.
const SLOTS: usize = 1 << 16;
/// Bits of a word.
const BITS: usize = u64::BITS as usize;
const WORDS: usize = SLOTS / BITS;
/// The time of a timer that is not set.
const NEVER: u64 = u64::MAX;
/// The end of a list of lines.
const NONE: u32 = u32::MAX;
/// Numbers in a line.
const IDS: usize = 14;

/// One cache line of a slot's list.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    ids: [u32; IDS],
    len: u32,
    next: u32,
}

pub(crate) struct Wheel {
    /// When each timer is due, in milliseconds.
    due: Vec<u64>,
    /// Of each slot, the first line of its list.
    slots: Vec<u32>,
    lines: Vec<Line>,
    /// The first of the lines that no slot has.
    free: u32,
    /// A bit for each slot with something in it.
    full: Vec<u64>,
    /// A bit for each word of `full` that is not zero.
    words: Vec<u64>,
}

/// The slot of a time.
const fn slot(due: u64) -> usize {
    due as usize % SLOTS
}

impl Wheel {
    /// So many timers, none of them set.
    pub(crate) fn new(timers: usize) -> Self {
        Self {
            due: vec![NEVER; timers],
            slots: vec![NONE; SLOTS],
            lines: Vec::new(),
            free: NONE,
            full: vec![0; WORDS],
            words: vec![0; WORDS / BITS],
        }
    }

    /// What it takes.
    pub(crate) fn bytes(&self) -> usize {
        let lines = self.lines.capacity() * size_of::<Line>();
        lines + size_of_val(&self.due[..]) + size_of_val(&self.slots[..]) + size_of_val(&self.full[..])
    }

    /// When the timer of this number is due, in milliseconds.
    pub(crate) fn due(&self, id: u32) -> Option<u64> {
        Some(self.due[id as usize]).filter(|due| *due != NEVER)
    }

    /// Sets, moves or (with `None`) stops the timer of this number.
    pub(crate) fn set(&mut self, id: u32, due: Option<u64>) {
        let due = due.unwrap_or(NEVER);
        let before = std::mem::replace(&mut self.due[id as usize], due);
        if due != NEVER && due != before {
            self.push(slot(due), id);
        }
    }

    fn push(&mut self, at: usize, id: u32) {
        let first = self.slots[at];
        match self.lines.get_mut(first as usize) {
            Some(line) if (line.len as usize) < IDS => {
                line.ids[line.len as usize] = id;
                line.len += 1;
            }
            _ => {
                let mut line = Line { ids: [0; IDS], len: 1, next: first };
                line.ids[0] = id;
                self.slots[at] = self.keep(line);
                self.full[at / BITS] |= 1 << (at % BITS);
                self.words[at / BITS / BITS] |= 1 << (at / BITS % BITS);
            }
        }
    }

    /// Finds a place for a line.
    fn keep(&mut self, line: Line) -> u32 {
        let at = self.free;
        match self.lines.get_mut(at as usize) {
            Some(free) => {
                self.free = free.next;
                *free = line;
                at
            }
            None => {
                self.lines.push(line);
                self.lines.len() as u32 - 1
            }
        }
    }

    /// The next millisecond from `now` on in which a timer may be due, at most one turn ahead; `None` if none is set.
    pub(crate) fn next(&self, now: u64) -> Option<u64> {
        let from = slot(now);
        let at = self.first_from(from).or_else(|| self.first_from(0))?;
        Some(now + ((at + SLOTS - from) % SLOTS) as u64)
    }

    /// The first slot with something in it, from this one to the last.
    fn first_from(&self, from: usize) -> Option<usize> {
        let word = from / BITS;
        let rest = self.full[word] & (u64::MAX << (from % BITS));
        if rest != 0 {
            return Some(word * BITS + rest.trailing_zeros() as usize);
        }
        let (mut high, mut rest) = ((word + 1) / BITS, u64::MAX << ((word + 1) % BITS));
        while let Some(words) = self.words.get(high) {
            let found = words & rest;
            if found != 0 {
                let word = high * BITS + found.trailing_zeros() as usize;
                return Some(word * BITS + self.full[word].trailing_zeros() as usize);
            }
            (high, rest) = (high + 1, u64::MAX);
        }
        None
    }

    /// Takes the timers out that are due in the millisecond `now`; call it for every one that [`Self::next`] names.
    pub(crate) fn take(&mut self, now: u64, due: &mut Vec<u32>) {
        let at = slot(now);
        let mut list = std::mem::replace(&mut self.slots[at], NONE);
        self.full[at / BITS] &= !(1 << (at % BITS));
        if self.full[at / BITS] == 0 {
            self.words[at / BITS / BITS] &= !(1 << (at / BITS % BITS));
        }
        while let Some(&line) = self.lines.get(list as usize) {
            self.lines[list as usize].next = std::mem::replace(&mut self.free, list);
            list = line.next;
            for id in &line.ids[..line.len as usize] {
                let time = &mut self.due[*id as usize];
                if *time <= now {
                    *time = NEVER;
                    due.push(*id);
                } else if *time != NEVER && slot(*time) == at {
                    // A whole turn or more too early. Every other one was moved, and is known elsewhere.
                    self.push(at, *id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes until nothing is left, with the time at which it came.
    fn drain(wheel: &mut Wheel, mut now: u64) -> Vec<(u64, u32)> {
        let mut came = Vec::new();
        let mut due = Vec::new();
        while let Some(next) = wheel.next(now) {
            wheel.take(next, &mut due);
            due.sort_unstable();
            came.extend(due.drain(..).map(|id| (next, id)));
            now = next + 1;
        }
        assert!(wheel.full.iter().chain(&wheel.words).all(|bits| *bits == 0), "no bit is left behind");
        came
    }

    #[test]
    fn timers_come_when_they_are_due_and_once() {
        let mut wheel = Wheel::new(6);
        for (id, due) in [5, 5, 64, 4_096, 65_535, 5].into_iter().enumerate() {
            wheel.set(id as u32, Some(due));
        }
        let came = drain(&mut wheel, 0);
        assert_eq!(came, [(5, 0), (5, 1), (5, 5), (64, 2), (4_096, 3), (65_535, 4)]);
    }

    #[test]
    fn a_timer_that_was_moved_or_taken_out_does_not_come_at_its_old_time() {
        let mut wheel = Wheel::new(4);
        for id in 0..4 {
            wheel.set(id, Some(100));
        }
        wheel.set(0, Some(7));
        wheel.set(1, Some(200));
        wheel.set(2, None);
        wheel.set(2, None);
        assert_eq!(drain(&mut wheel, 0), [(7, 0), (100, 3), (200, 1)]);
    }

    #[test]
    fn one_that_is_turns_away_waits_for_its_turn() {
        let turn = SLOTS as u64;
        let mut wheel = Wheel::new(3);
        let now = 10 * turn - 3;
        wheel.set(0, Some(now + 5 * turn + 9));
        wheel.set(1, Some(now + 9));
        wheel.set(2, Some(now + turn));
        let mut due = Vec::new();
        assert_eq!(wheel.next(now), Some(now));
        wheel.take(now, &mut due);
        assert!(due.is_empty(), "it is a whole turn too early");
        let came = drain(&mut wheel, now + 1);
        assert_eq!(came, [(now + 9, 1), (now + turn, 2), (now + 5 * turn + 9, 0)]);
    }

    #[test]
    fn a_timer_is_not_kept_where_it_is_not_due() {
        let mut wheel = Wheel::new(1);
        wheel.set(0, Some(5));
        wheel.set(0, Some(100_000));
        wheel.take(5, &mut Vec::new());
        assert_eq!(wheel.next(6), Some(100_000 % SLOTS as u64), "its slot, a turn too early");
        wheel.take(100_000 % SLOTS as u64, &mut Vec::new());
        assert_eq!(wheel.next(40_000), Some(100_000));
        let bytes = wheel.bytes();
        for _ in 0..1_000 {
            wheel.set(0, Some(100_000));
        }
        assert_eq!(wheel.bytes(), bytes, "what is set to the same time again takes no room");
    }

    /// Against a sorted list, for a few thousand random moves.
    #[test]
    fn it_does_what_a_sorted_list_does() {
        use std::collections::BTreeSet;

        let mut wheel = Wheel::new(50);
        let mut list: BTreeSet<(u64, u32)> = BTreeSet::new();
        let (mut now, mut random) = (0_u64, 1_u64);
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let id = (random >> 33) as u32 % 50;
            let due = match random >> 62 {
                0 => None,
                1 => Some(now + (random >> 40) % 20),
                _ => Some(now + (random >> 40) % 200_000),
            };
            list.retain(|(_, known)| *known != id);
            list.extend(due.map(|due| (due, id)));
            wheel.set(id, due);
            let mut came = Vec::new();
            let until = now + (random >> 20) % 300;
            while let Some(next) = wheel.next(now).filter(|next| *next <= until) {
                wheel.take(next, &mut came);
                now = next + 1;
            }
            now = now.max(until + 1);
            came.sort_unstable();
            let mut want: Vec<u32> = list.iter().filter(|(due, _)| *due < now).map(|(_, id)| *id).collect();
            want.sort_unstable();
            list.retain(|(due, _)| *due >= now);
            assert_eq!(came, want);
        }
    }
}
