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

    /// Takes a command; false if it is full. Of two heartbeats only one waits, and of what is said of a key at most an unsubscription and
    /// the newest subscription behind it.
    pub(super) fn push(&mut self, command: Command<T, K, M>) -> bool {
        if let Command::Unsubscribe(key) = &command {
            self.withdraw(key);
        }
        // What takes the place of another one has nothing of its key behind it.
        let same = |other: &&mut Option<Command<T, K, M>>| match (&command, other) {
            (Command::Heartbeat { .. }, Some(Command::Heartbeat { .. })) => true,
            (Command::Subscribe { key, .. }, Some(Command::Subscribe { key: other, .. }))
            | (Command::Unsubscribe(key), Some(Command::Unsubscribe(other))) => key == other,
            _ => false,
        };
        if let Some(slot) = self.commands.iter_mut().find(same) {
            *slot = Some(command);
            return true;
        }
        self.append(command)
    }

    /// Takes out the subscription to this key; those behind it move up.
    fn withdraw(&mut self, key: &K) {
        for _ in 0..self.count {
            match self.pop() {
                Some(Command::Subscribe { key: other, .. }) if other == *key => {}
                Some(command) => _ = self.append(command),
                None => return,
            }
        }
    }

    fn append(&mut self, command: Command<T, K, M>) -> bool {
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

    /// The last word about a key is the last in the queue, and it never takes more than two places.
    #[test]
    fn of_one_key_an_unsubscription_waits_and_a_subscription_behind_it() {
        let subscribe = |key, send| Command::Subscribe { key, send };
        let mut queue = Small::new();
        for send in 0..9 {
            assert!(queue.push(subscribe(7, send)) && queue.push(Command::Unsubscribe(7)));
        }
        assert!(queue.push(subscribe(8, 1)) && queue.push(subscribe(7, 10)));
        assert!(queue.push(subscribe(8, 2)) && queue.push(subscribe(7, 11)));
        let left: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(left, [Command::Unsubscribe(7), subscribe(8, 2), subscribe(7, 11)]);

        assert!(
            queue.push(subscribe(7, 12))
                && queue.push(subscribe(8, 3))
                && queue.push(Command::Unsubscribe(7))
        );
        let left: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(left, [subscribe(8, 3), Command::Unsubscribe(7)]);
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
