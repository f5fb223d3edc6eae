//! A server, one client of it, and the way between them.

mod faults;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redial::driver::Outcome;

use crate::client::Client;
use crate::draw::Draw;
use crate::fault::{Fault, Route};
use crate::link::{self, Carrier, Ends, Link};
use crate::netns;
use crate::plan::Plan;
use crate::proxy::Proxy;
use crate::server::{Kind, Server, free_port};
use crate::time::{PATIENCE, eventually, now};
use crate::watch::{Sockets, Watch};

/// How many subscriptions there may be, and how many there are at first.
const KEYS: u64 = 16;
const FIRST_KEYS: u64 = 12;
/// They are not given up below so many.
const LEAST_KEYS: usize = 6;

/// Where a proxy listens in a namespace.
const PROXY_PORT: u16 = 5_000;

/// How often a connection may be lost again before a recovery is taken for none.
const ROUNDS: u32 = 10;

/// What all cells share.
pub(crate) struct World {
    pub(crate) seed: u64,
    /// `None`: there are no links.
    pub(crate) carrier: Option<Carrier>,
    pub(crate) watch: Watch,
}

/// What a fault came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovery {
    /// From the end of the fault.
    pub(crate) took: Duration,
    pub(crate) dials: u32,
    pub(crate) refused: u32,
}

/// A cell that is up. It belongs to the thread that built it, which has left for the server's namespace.
pub(crate) struct Cell {
    kind: Kind,
    pub(crate) client: Client,
    proxy: Option<Proxy>,
    link: Option<Link>,
    pub(crate) server: Server,
    sockets: Arc<Sockets>,
    keys: BTreeSet<String>,
    /// Texts that a session owes the client, with the number of the session.
    owed: Vec<(u32, String)>,
    texts: u64,
    /// How long anything may take that must come.
    pub(crate) patience: Duration,
}

impl Cell {
    /// The client is made in the namespace of this thread, and the server in another one.
    ///
    /// # Errors
    /// Something of it can't be had.
    pub(crate) fn build(world: &World, plan: &Plan) -> Result<Self, String> {
        let seed = Draw::new(world.seed, 1 << 40 | u64::from(plan.number)).number();
        Self::build_with(world, plan, |address| {
            Client::start(plan.engine, address, plan.kind.speaker(), seed)
        })
    }

    /// The same with another client.
    pub(crate) fn build_with(
        world: &World,
        plan: &Plan,
        client: impl FnOnce(SocketAddr) -> Result<Client, String>,
    ) -> Result<Self, String> {
        static DEVICES: AtomicU32 = AtomicU32::new(0);
        let ends = Ends::of(plan.number);
        let (host, port) = match plan.route {
            Route::Direct => (ends.server, crate::server::PORT),
            Route::Proxied => (ends.server, PROXY_PORT),
            Route::ProxyAlone => (Ipv4Addr::LOCALHOST, free_port().map_err(|error| error.to_string())?),
        };
        let address = SocketAddrV4::new(host, port);
        let client = client(address.into())?;
        let sockets = world.watch.of(address, client.journal.allowed.transports());
        let mut link = None;
        if let Some(carrier) = world.carrier.as_ref().filter(|_| plan.route != Route::ProxyAlone) {
            let name = format!("chaos{}", DEVICES.fetch_add(1, Ordering::Relaxed));
            let failed = |error: std::io::Error| format!("a link: {error}");
            let near = link::end(&name, ends.client).map_err(failed)?;
            netns::leave_for_another().map_err(|error| format!("a namespace: {error}"))?;
            let far = link::end(&name, ends.server).map_err(failed)?;
            link = Some(carrier.connect(near, far, world.seed).map_err(failed)?);
        }
        let server = Server::start(plan.kind, link.is_some())?;
        let mut proxy = None;
        if plan.route != Route::Direct {
            let started = Proxy::start(host, port, server.address());
            proxy = Some(started.map_err(|error| format!("a proxy at {address}: {error}"))?);
        }
        let keys: BTreeSet<String> = (0..FIRST_KEYS).map(key).collect();
        client.subscribe_all(&keys);
        let (owed, texts, patience) = (Vec::new(), 0, PATIENCE);
        Ok(Self { kind: plan.kind, client, proxy, link, server, sockets, keys, owed, texts, patience })
    }

    /// Starts the client, which has everything when this returns.
    ///
    /// # Errors
    /// What it has not, or did wrong.
    pub(crate) fn begin(&mut self) -> Result<(), String> {
        let sessions = self.client.journal.read(|book| book.sessions);
        let resumes = !self.owed.is_empty();
        self.client.run()?;
        self.recover()?;
        self.has_one_socket()?;
        let begun = self.client.journal.read(|book| book.sessions) - sessions;
        if resumes && begun > 0 {
            return Err("its session was kept, and it has begun another".to_owned());
        }
        Ok(())
    }

    /// Stops the client, of which nothing is left when this returns. `keep`: with its session, in which a message then waits for it.
    ///
    /// # Errors
    /// What is left.
    pub(crate) fn end(&mut self, keep: bool) -> Result<(), String> {
        self.owed.clear();
        self.client.stop(keep);
        match self.client.journal.wait(self.patience, |book| book.ended.clone()) {
            Some(Ok(Outcome::Stopped)) => {}
            Some(Ok(outcome)) => return Err(format!("it was stopped, and it has {outcome}")),
            Some(Err(panic)) => return Err(panic),
            None => return Err("it does not stop".to_owned()),
        }
        eventually(self.patience, || match self.sockets.now() {
            0 => Ok(()),
            count => Err(format!("{count} sockets are open after the end")),
        })?;
        eventually(self.patience, || self.server.nobody())?;
        if keep && self.kind.keeps_sessions() {
            let text = self.text("kept", 0);
            self.publish(&key(0), &text)?;
        }
        self.check()
    }

    /// Plays a fault, and waits until the client has everything again.
    ///
    /// # Errors
    /// What it has not, or did wrong.
    pub(crate) fn play(&mut self, fault: &Fault, draw: &mut Draw) -> Result<Recovery, String> {
        let before = self.client.journal.read(|book| (book.dials, book.refused));
        if draw.percent(40) {
            self.change_subscriptions(draw);
        }
        self.undergo(fault, draw)?;
        let healed = now();
        self.recover()?;
        let took = healed.elapsed();
        self.has_one_socket()?;
        let after = self.client.journal.read(|book| (book.dials, book.refused));
        let (dials, refused) = (after.0 - before.0, after.1 - before.1);
        match fault {
            Fault::One(one) if one.what.ends_connections() && dials == 0 => {
                Err("the fault has ended no connection: it was none".to_owned())
            }
            _ => Ok(Recovery { took, dials, refused }),
        }
    }

    fn some_key(&self, draw: &mut Draw) -> String {
        let keys: Vec<_> = self.keys.iter().collect();
        (*draw.pick(&keys)).clone()
    }

    /// One that never was, and at least so long.
    fn text(&mut self, word: &str, length: usize) -> String {
        self.texts += 1;
        format!("{word}-{}{}", self.texts, "-".repeat(length))
    }

    /// How many got it, where the server says so. What a session owes to a client that is away is remembered.
    fn publish(&mut self, key: &str, text: &str) -> Result<Option<usize>, String> {
        let session = self.client.journal.read(|book| book.sessions);
        let got = self.server.publish(key, text)?;
        if self.kind.keeps_sessions() && got != Some(0) {
            self.owed.push((session, text.to_owned()));
        }
        Ok(got)
    }

    /// The client is online, the server sees one connection of it with each subscription once, and a message on each arrives. What is
    /// published before a connection is lost may be lost with it, so that this begins again where it was.
    fn recover(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let (journal, keys) = (Arc::clone(&self.client.journal), self.keys.clone());
            let Some(online) = journal.wait(self.patience, |book| {
                if book.ended.is_some() {
                    return Some(None);
                }
                // An old connection that the server has not yet missed may look whole, and what is published there is lost.
                book.online().filter(|_| book.confirms(&keys)).map(Some)
            }) else {
                return Err(format!(
                    "it is not online, with all confirmed, {} s later",
                    self.patience.as_secs()
                ));
            };
            let Some(epoch) = online else {
                return Err(match journal.read(|book| book.ended.clone()) {
                    Some(Err(panic)) => panic,
                    ended => format!("it has ended: {ended:?}"),
                });
            };
            eventually(self.patience, || self.server.audit(&keys))?;
            let is_same = || journal.read(|book| book.online()) == Some(epoch);
            if !is_same() {
                continue;
            }
            let mut texts = Vec::new();
            let mut surplus = None;
            for key in &keys {
                let text = self.text("all", 0);
                if let Some(count) = self.publish(key, &text)?.filter(|count| *count != 1) {
                    surplus = Some(format!("{count} got what was published on {key}"));
                }
                texts.push(text);
            }
            let owed = std::mem::take(&mut self.owed);
            let arrived = journal.wait(self.patience, |book| {
                let is_there = |text: &String| book.has(text);
                let is_paid = |(session, text): &(u32, String)| *session != book.sessions || book.has(text);
                if book.online() != Some(epoch) {
                    return Some(false);
                }
                (texts.iter().all(is_there) && owed.iter().all(is_paid)).then_some(true)
            });
            match (arrived, surplus) {
                (Some(true), None) => return Ok(()),
                (Some(true), Some(surplus)) => return Err(surplus),
                (Some(false), _) => self.owed = owed,
                (None, _) => {
                    let missing = journal.read(|book| {
                        let all = texts.iter().chain(owed.iter().map(|(_, text)| text));
                        all.filter(|text| !book.has(text))
                            .map(|text| format!("{text:.20}"))
                            .collect::<Vec<_>>()
                    });
                    return Err(format!("what was published has not arrived: {missing:?}"));
                }
            }
        }
        Err(format!("it was lost {ROUNDS} times more, and nothing is wrong any more"))
    }

    /// One that was replaced is closed in the end.
    fn has_one_socket(&self) -> Result<(), String> {
        let counted = eventually(self.patience, || match self.sockets.now() {
            0 | 1 => Ok(()),
            count => Err(format!("{count} sockets are open")),
        });
        // What was seen meanwhile says more.
        self.check().and(counted)
    }

    /// What must hold at any time.
    fn check(&self) -> Result<(), String> {
        let (findings, dials) = self.client.journal.read(|book| (book.findings.clone(), book.dials));
        if !findings.is_empty() {
            return Err(findings.join("; "));
        }
        if let Some(several) = self.sockets.several() {
            return Err(format!("several sockets were open at once: {several}"));
        }
        let seen =
            self.link.as_ref().map_or_else(|| self.proxy.as_ref().map_or(0, Proxy::accepted), Link::dials);
        if seen > dials {
            return Err(format!("{seen} dials came in on the network, and the policy has asked for {dials}"));
        }
        Ok(())
    }
}

fn key(number: u64) -> String {
    format!("key-{number:02}")
}
