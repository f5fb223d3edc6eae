//! What is done to a cell, and how it is undone.

use std::time::Duration;

use super::{Cell, KEYS, LEAST_KEYS, key};
use crate::draw::Draw;
use crate::fault::{Disturbance, Fault, What};
use crate::link::{Impairment, Link};
use crate::proxy::Proxy;
use crate::time::{now, pause};

/// As long as it takes to be cut wherever a fault cuts it.
const LONG_TEXT: usize = 2_000;

/// How often something is published while a fault lasts.
const NOISE: Duration = Duration::from_millis(100);

impl Cell {
    /// The fault from its beginning to its end.
    pub(super) fn undergo(&mut self, fault: &Fault, draw: &mut Draw) -> Result<(), String> {
        match *fault {
            Fault::One(one) => {
                self.disturb(one)?;
                self.hold(one.hold, draw);
                self.calm(one.what)?;
            }
            Fault::Together(first, second) => {
                self.disturb(first)?;
                self.disturb(second)?;
                let (shorter, longer) =
                    if first.hold < second.hold { (first, second) } else { (second, first) };
                self.hold(shorter.hold, draw);
                self.calm(shorter.what)?;
                self.hold(longer.hold.saturating_sub(shorter.hold), draw);
                self.calm(longer.what)?;
            }
            Fault::InRecovery(first, after, second) => {
                self.disturb(first)?;
                self.hold(first.hold, draw);
                self.calm(first.what)?;
                self.hold(after, draw);
                self.disturb(second)?;
                self.hold(second.hold, draw);
                self.calm(second.what)?;
            }
        }
        Ok(())
    }

    /// The user wants something else from now on, connected or not.
    pub(super) fn change_subscriptions(&mut self, draw: &mut Draw) {
        let key = key(draw.below(KEYS));
        if !self.keys.contains(&key) {
            self.client.subscribe(&key);
            self.keys.insert(key);
        } else if self.kind.may_unsubscribe() && self.keys.len() > LEAST_KEYS {
            self.client.unsubscribe(&key);
            self.keys.remove(&key);
        }
    }

    fn disturb(&mut self, Disturbance { what, .. }: Disturbance) -> Result<(), String> {
        match what {
            What::Kill | What::Refuse => self.server.kill(),
            What::Restart => self.server.ask_to_end()?,
            What::Announce => self.server.announce(),
            What::Freeze => self.server.freeze()?,
            What::Backlog => {
                self.server.freeze()?;
                self.server.fill_queue()?;
            }
            What::Hole(hole) => self.link()?.cut(hole),
            What::Lossy { permille, delay, jitter } => self.link()?.impair(Impairment {
                cut: false,
                permille,
                delay: Duration::from_millis(delay.into()),
                jitter: Duration::from_millis(jitter.into()),
            }),
            What::Reset { after } => self.proxy()?.reset_after(after.into()),
            What::Drip { pause, afresh } => self.proxy()?.drip(Duration::from_millis(pause.into()), afresh),
            What::Mute => self.proxy()?.mute(),
        }
        Ok(())
    }

    /// The end of a disturbance.
    fn calm(&mut self, what: What) -> Result<(), String> {
        match what {
            What::Announce => {}
            What::Kill | What::Refuse | What::Restart | What::Freeze | What::Backlog => {
                self.server.ensure_up()?
            }
            What::Hole(_) | What::Lossy { .. } => self.link()?.impair(Impairment::default()),
            What::Reset { .. } => {
                self.wait_for_reset()?;
                self.proxy()?.pass();
            }
            What::Drip { .. } | What::Mute => self.proxy()?.pass(),
        }
        Ok(())
    }

    /// Publishes what is long enough to be cut, until it is. To a client that is away nothing comes.
    fn wait_for_reset(&mut self) -> Result<(), String> {
        let start = now();
        while !self.proxy()?.has_reset() && self.client.journal.read(|book| book.online()).is_some() {
            if start.elapsed() > self.patience {
                return Err("nothing that is published comes by the proxy".to_owned());
            }
            let (key, text) = (self.keys.first().cloned().unwrap_or_default(), self.text("long", LONG_TEXT));
            self.publish(&key, &text)?;
            pause(Duration::from_millis(20));
        }
        Ok(())
    }

    fn link(&self) -> Result<&Link, String> {
        self.link.as_ref().ok_or_else(|| "there is no link".to_owned())
    }

    fn proxy(&self) -> Result<&Proxy, String> {
        self.proxy.as_ref().ok_or_else(|| "there is no proxy".to_owned())
    }

    /// Waits, while others publish.
    fn hold(&mut self, span: Duration, draw: &mut Draw) {
        let start = now();
        while let Some(left) = span.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
            pause(left.min(NOISE));
            if left >= NOISE && self.server.is_up() {
                let (key, text) = (self.some_key(draw), self.text("noise", 0));
                // A server that is about to end need not take it.
                self.publish(&key, &text).unwrap_or_default();
            }
        }
    }
}
