//! What must hold at every step of a schedule.

use std::collections::{BTreeMap, BTreeSet};

use redial::Phase;
use redial::driver::{Command, SendError};

use super::server::{Said, Server, Transport};

/// How often what happened in a schedule.
pub(crate) type Seen = BTreeMap<&'static str, usize>;

#[derive(Default)]
pub(crate) struct Checks {
    /// How many transports there may be at a time.
    most_alive: usize,
    /// How many of the log's commands were looked at.
    looked: usize,
    /// The transports on which there is a session, as far as what was written tells.
    greeted: BTreeSet<u32>,
    /// How often each message was written.
    written: BTreeMap<u32, u32>,
    /// What its sender was told.
    told: BTreeMap<u32, Result<(), SendError<u32>>>,
    given_up: BTreeSet<u32>,
    received: BTreeSet<u32>,
    /// The same in order.
    order: Vec<u32>,
}

impl Checks {
    pub(crate) fn new(most_alive: usize) -> Self {
        Self { most_alive, ..Self::default() }
    }

    /// After every step.
    pub(crate) fn check(&mut self, transport: &Transport) {
        let most = transport.most_alive();
        assert!(most <= self.most_alive, "{most} transports at a time");
        transport.read_log(|log| {
            for sent in &log.sent[self.looked..] {
                let epoch = sent.epoch.get();
                match &sent.command {
                    Command::Identify | Command::Resume(_) => {
                        assert!(self.greeted.insert(epoch), "transport {epoch} was greeted twice");
                    }
                    Command::Message(message) => {
                        assert!(self.greeted.contains(&epoch), "{message} was written before the session");
                        *self.written.entry(*message).or_default() += 1;
                        self.agree(*message);
                    }
                    _ => {}
                }
            }
            self.looked = log.sent.len();
        });
    }

    pub(crate) fn told(&mut self, message: u32, result: Result<(), SendError<u32>>) {
        let before = self.told.insert(message, result);
        assert!(before.is_none(), "the sender of {message} was told twice");
        self.agree(message);
    }

    pub(crate) fn given_up(&mut self, message: Option<u32>) {
        self.given_up.extend(message);
    }

    /// Written at most once; and not at all, if it was given back.
    fn agree(&self, message: u32) {
        let times = self.written.get(&message).copied().unwrap_or(0);
        assert!(times <= 1, "{message} was written {times} times");
        if let Some(Err(error)) = self.told.get(&message) {
            let given_back = error.into_message();
            assert!(given_back.is_none_or(|given_back| given_back == message), "another came back");
            assert!(given_back.is_none() || times == 0, "{message} was given back ({error}) and written");
        }
    }

    pub(crate) fn received(&mut self, message: u32) {
        assert!(self.received.insert(message), "{message} was received twice");
        self.order.push(message);
    }

    /// When the run, its driver and all who waited are gone. `discarded`: so many messages nobody took. `whole`: no run was dropped and
    /// nothing was handed over, so that nothing that was read is gone.
    pub(crate) fn finish(&mut self, server: &Server, discarded: u64, whole: bool) -> Seen {
        self.check(&server.transport);
        server.transport.assert_all_closed(self.most_alive);
        for (message, result) in &self.told {
            let times = self.written.get(message).copied().unwrap_or(0);
            assert!(result.is_err() || times == 1, "{message} was said to be written");
        }
        for message in self.written.keys() {
            let known = self.told.contains_key(message) || self.given_up.contains(message);
            assert!(known, "{message} was written, and nobody was told");
        }
        if whole {
            self.assert_whole(&server.said, server, discarded);
        }
        let told = |wanted: &str| {
            self.told
                .values()
                .filter(|told| told.as_ref().err().map_or("written", SendError::as_str) == wanted)
                .count()
        };
        let words = ["written", "not_online", "lost", "full", "displaced", "ended", "in_doubt"];
        let mut seen: Seen = words.map(|word| (word, told(word))).into();
        let transport = &server.transport;
        seen.extend(transport.read_log(|log| {
            let online = log.steps.iter().filter(|step| step.explanation.phase == Phase::Online).count();
            [("dials", log.dials.len()), ("closes", log.closes.len()), ("steps while online", online)]
        }));
        seen.extend([("received", self.received.len()), ("discarded", discarded as usize)]);
        seen.extend([
            ("whole", usize::from(whole)),
            ("two transports", usize::from(transport.most_alive() > 1)),
        ]);
        seen
    }

    /// Everything that was read and had no number was delivered, in order, or discarded and counted.
    fn assert_whole(&self, said: &Said, server: &Server, discarded: u64) {
        let read = said.read(&server.connections);
        let missing: Vec<_> = read.iter().filter(|message| !self.received.contains(message)).collect();
        assert!(missing.len() as u64 <= discarded, "{missing:?} were read and lost, {discarded} discarded");
        let delivered: Vec<_> = read.iter().filter(|message| self.received.contains(message)).collect();
        let ordered: Vec<_> = self.order.iter().filter(|message| read.contains(message)).collect();
        assert_eq!(ordered, delivered, "the order");
    }
}
