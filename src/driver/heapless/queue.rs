//! The commands that wait for the transport, in their order.

use super::Command;

/// At most `N` commands.
pub(super) struct Queue<T, K, M, const N: usize> {
    commands: [Option<Command<T, K, M>>; N],
    first: usize,
    count: usize,
}

impl<T, K: PartialEq, M, const N: usize> Queue<T, K, M, N> {
    pub(super) const fn new() -> Self {
        Self { commands: [const { None }; N], first: 0, count: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Takes a command; false if it is full. Of two heartbeats only one waits, and of two subscriptions to a key the newer one.
    pub(super) fn push(&mut self, command: Command<T, K, M>) -> bool {
        let same = |other: &&mut Option<Command<T, K, M>>| match (&command, other) {
            (Command::Heartbeat { .. }, Some(Command::Heartbeat { .. })) => true,
            (Command::Subscribe { key, .. }, Some(Command::Subscribe { key: other, .. })) => key == other,
            _ => false,
        };
        if let Some(slot) = self.commands.iter_mut().find(same) {
            *slot = Some(command);
            return true;
        }
        let end = self.first.wrapping_add(self.count).checked_rem(N).unwrap_or_default();
        if self.count >= N {
            return false;
        }
        if let Some(slot) = self.commands.get_mut(end) {
            *slot = Some(command);
            self.count = self.count.saturating_add(1);
        }
        true
    }

    pub(super) fn pop(&mut self) -> Option<Command<T, K, M>> {
        let command = self.commands.get_mut(self.first)?.take()?;
        self.first = self.first.wrapping_add(1).checked_rem(N).unwrap_or_default();
        self.count = self.count.saturating_sub(1);
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    type Small = Queue<(), u8, u8, 3>;

    #[test]
    fn commands_come_out_in_their_order_around_the_end() {
        let mut queue = Small::new();
        for round in 0..5 {
            assert!(queue.push(Command::Message(round)) && queue.push(Command::Message(round + 100)));
            assert_eq!(queue.pop(), Some(Command::Message(round)));
            assert_eq!(queue.pop(), Some(Command::Message(round + 100)));
            assert!(queue.is_empty() && queue.pop().is_none());
        }
    }

    #[test]
    fn what_does_not_fit_is_not_taken_and_what_repeats_needs_no_place() {
        let mut queue = Small::new();
        assert!(queue.push(Command::Subscribe { key: 7, send: 1 }) && queue.push(Command::Unsubscribe(8)));
        assert!(queue.push(Command::Heartbeat { sequence: Some(1) }));
        assert!(queue.push(Command::Subscribe { key: 7, send: 2 }));
        assert!(queue.push(Command::Heartbeat { sequence: Some(2) }));
        assert!(!queue.push(Command::Subscribe { key: 8, send: 2 }));
        let left: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        let heartbeat = Command::Heartbeat { sequence: Some(2) };
        assert_eq!(left, [Command::Subscribe { key: 7, send: 2 }, Command::Unsubscribe(8), heartbeat]);
        assert!(
            Queue::<(), u8, u8, 0>::new().pop().is_none()
                && !Queue::<(), u8, u8, 0>::new().push(Command::Identify)
        );
    }
}
