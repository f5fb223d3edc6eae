//! A client of yours under a property test: `cargo test --example property_test`.
//!
//! `Client` stands for yours: a protocol of lines in which messages are numbered, and sent again after a loss until the server
//! has them. It takes any policy, and the test gives it one that is checked at every call. What happens to it comes from redial's
//! scripts: a failing case shrinks to a short one, and is printed as `Script("…")`.

use std::collections::VecDeque;

use redial::handover::{Decider, EventOf};
use redial::testing::{Checked, Script};
use redial::{Action, Instant, Phase, Policy, SplitMix64, presets};

/// Messages that are sent until the server has them.
struct Client<D> {
    policy: D,
    /// Not acknowledged yet, with their numbers.
    outbox: VecDeque<(u64, String)>,
    said: u64,
    /// What was written to the connection and is on its way.
    wire: VecDeque<String>,
}

impl<D: Decider<Token = String>> Client<D> {
    fn new(policy: D) -> Self {
        Self { policy, outbox: VecDeque::new(), said: 0, wire: VecDeque::new() }
    }

    fn say(&mut self, text: &str) {
        self.said += 1;
        self.outbox.push_back((self.said, text.to_owned()));
        if self.is_online() {
            self.wire.push_back(format!("SAY {} {text}", self.said));
        }
    }

    fn is_online(&self) -> bool {
        self.policy.phase() == Phase::Online
    }

    /// The server has all messages up to this one.
    fn acknowledged(&mut self, number: u64) {
        self.outbox.retain(|(unanswered, _)| *unanswered > number);
    }

    /// What the transport, the user or the clock brings.
    fn report(&mut self, now: Instant, event: Option<EventOf<D>>) {
        let (was, epoch) = (self.is_online(), self.policy.epoch());
        let actions = match event {
            Some(event) => self.policy.handle_event(now, event),
            None => self.policy.handle_timeout(now),
        };
        if self.policy.epoch() != epoch {
            // What was on its way is lost with the connection.
            self.wire.clear();
        }
        for action in actions {
            match action {
                Action::Identify { .. } => self.wire.push_back("HELLO".to_owned()),
                Action::Resume { .. } => self.wire.push_back("RESUME".to_owned()),
                Action::Heartbeat { .. } => self.wire.push_back("PING".to_owned()),
                _ => {}
            }
        }
        if self.is_online() && !(was && self.policy.epoch() == epoch) {
            self.wire.extend(self.outbox.iter().map(|(number, text)| format!("SAY {number} {text}")));
        }
    }
}

/// The server at the other end: it has all messages up to `got`.
#[derive(Default)]
struct Server {
    got: u64,
}

impl Server {
    fn receive(&mut self, line: &str) {
        let Some(number) = line.strip_prefix("SAY ").and_then(|rest| rest.split(' ').next()) else { return };
        let number: u64 = number.parse().expect("a number");
        assert!(number <= self.got + 1, "message {} was never sent, but {number} was", self.got + 1);
        self.got = self.got.max(number);
    }
}

/// Plays a script: what happens to the connection is the script's, and so is how many lines arrive and are acknowledged.
fn play(mut script: Script<'_>, steps: usize) {
    let policy =
        Policy::new(&presets::WEBSOCKET, SplitMix64::new(script.seed())).with_session_type::<String>();
    let mut client = Client::new(Checked::new(policy));
    let mut server = Server::default();
    for _ in 0..steps {
        let now = client.policy.now();
        let Some(step) = script.next_step(&*client.policy, now) else { break };
        client.report(step.at, step.event);
        if script.below(3) == 0 {
            client.say("hello");
        }
        for _ in 0..script.below(4) {
            if let Some(line) = client.wire.pop_front() {
                server.receive(&line);
            }
        }
        if script.flag() {
            client.acknowledged(server.got);
        }
        // Nothing is lost: what the server does not have is still in the outbox.
        let kept = client.outbox.front().map_or(client.said + 1, |(number, _)| *number);
        assert!(kept <= server.got + 1, "message {} is lost", server.got + 1);
    }

    // When the faults stop, the client is online soon, and the server has all messages.
    let mut now = client.policy.now();
    for _ in 0..60 {
        let step = script.calm_step(&*client.policy, now);
        now = step.at;
        client.report(step.at, step.event);
        client.wire.drain(..).for_each(|line| server.receive(&line));
        if client.is_online() {
            client.acknowledged(server.got);
            assert!(client.outbox.is_empty(), "not sent again: {:?}", client.outbox);
            return;
        }
    }
    panic!("it does not get online: {}", client.policy.explain());
}

fn main() {
    for seed in 0..20 {
        play(Script::seeded(seed), 1_000);
        play(Script::seeded(seed).with_sensible_events().with_steady_clock(), 1_000);
    }
    println!("40 scripts of 1000 steps: no message was lost, and none overtook another");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redial::testing::strategies;

    use super::*;

    proptest! {
        #[test]
        fn no_message_is_lost(script in strategies::scripts(600)) {
            play(script, usize::MAX);
        }

        #[test]
        fn no_message_is_lost_in_ordinary_life(script in strategies::sensible_scripts(600)) {
            play(script, usize::MAX);
        }
    }

    #[test]
    fn the_program_runs() {
        main();
    }
}
