//! Clients with a mistake each, on a real server: what the harness must find. And one without, where it must find nothing.

use std::future::{Future, pending};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use redial::driver::{Command, Failure, Link, Runtime, Tokio, supervise};
use redial::{BackoffConfig, Cause, Config, Epoch, Event, Instant};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::cell::{Cell, World};
use crate::client::config::CONFIG;
use crate::client::engines::{connect, policy, policy_of, supervised};
use crate::client::journal::Allowed;
use crate::client::shells::live;
use crate::client::{Client, Stage};
use crate::draw::Draw;
use crate::fault::{Disturbance, Fault, What};
use crate::plan::Plan;
use crate::server::Kind;
use crate::speech::{Heard, Nats, Speech};
use crate::watch::Watch;

/// The seed of each of these clients.
const SEED: u64 = 7;

/// A kill, with a server that is back so long after.
fn kill(millis: u64) -> Fault {
    Fault::One(Disturbance { what: What::Kill, hold: Duration::from_millis(millis) })
}

/// What the harness says of this client when it begins, goes through the faults and ends; `None` where there is no server.
fn played(
    faults: &[Fault],
    serve: impl FnOnce(SocketAddr, Stage) + Send + 'static,
) -> Option<Result<(), String>> {
    if !Kind::Nats.is_installed() {
        #[expect(clippy::print_stderr, reason = "a test that was not run says so")]
        {
            eprintln!("SKIPPED: nats-server is not installed");
        }
        return None;
    }
    let world = World { seed: 1, carrier: None, watch: Watch::start().expect("a thread") };
    let plan = Plan::all(&[Kind::Nats], false)[0];
    let client = |address| Client::start_with(Allowed::Alone, move |stage| serve(address, stage));
    Some(Cell::build_with(&world, &plan, client).and_then(|mut cell| {
        cell.patience = Duration::from_secs(5);
        cell.begin()?;
        for (number, fault) in (0..).zip(faults) {
            cell.play(fault, &mut Draw::new(1, number))?;
        }
        cell.end(false)
    }))
}

/// It finds a mistake, and says this of it.
#[track_caller]
fn finds(said: &str, faults: &[Fault], serve: impl FnOnce(SocketAddr, Stage) + Send + 'static) {
    let Some(result) = played(faults, serve) else { return };
    let found = result.expect_err("the harness has found nothing");
    assert!(found.contains(said), "{found}");
}

/// A client that lives as this says, once it is connected.
fn living<S, Connecting, Living>(
    connect: impl Fn() -> Connecting,
    live: impl Fn(S, Link<String, String>) -> Living,
    stage: Stage,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    Connecting: Future<Output = Result<S, Failure>>,
    Living: Future<Output = Result<(), Failure>>,
{
    supervised(policy(SEED), |_| connect(), live, stage);
}

#[test]
fn nothing_is_found_in_a_client_without_a_mistake() {
    let result = played(&[kill(0), kill(300)], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        living(
            || connect(address),
            |stream, link| live(stream, link, speaker(), Arc::clone(&journal)),
            stage,
        );
    });
    assert!(matches!(result, None | Some(Ok(()))), "{result:?}");
}

/// Subscribes on its first connection alone, and claims to have done it on the others.
struct Forgetful(Box<dyn Speech>, Vec<Heard>);

impl Speech for Forgetful {
    fn say(&mut self, epoch: Epoch, command: Command<String, String>, out: &mut BytesMut) {
        match command {
            Command::Restore { keys, send } => {
                let send = Some(send);
                let confirmed = |key| Heard::Event(Event::SubscriptionConfirmed { epoch, key, send });
                self.1.extend(keys.into_iter().map(confirmed));
            }
            command => self.0.say(epoch, command, out),
        }
    }

    fn hear(
        &mut self,
        epoch: Epoch,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Option<Vec<Heard>>, Cause> {
        if !self.1.is_empty() {
            return Ok(Some(std::mem::take(&mut self.1)));
        }
        self.0.hear(epoch, input, out)
    }
}

#[test]
fn a_client_that_does_not_subscribe_again_is_found() {
    finds("subscriptions that are missing", &[kill(0)], |address, stage| {
        let (speaker, journal, lives) = (Nats::speaker(), Arc::clone(&stage.journal), AtomicU32::new(0));
        let live = |stream, link| {
            let speech = match lives.fetch_add(1, Ordering::Relaxed) {
                0 => speaker(),
                _ => Box::new(Forgetful(speaker(), Vec::new())),
            };
            live(stream, link, speech, Arc::clone(&journal))
        };
        living(|| connect(address), live, stage);
    });
}

/// Subscribes to everything twice.
struct Twice(Box<dyn Speech>);

impl Speech for Twice {
    fn say(&mut self, epoch: Epoch, command: Command<String, String>, out: &mut BytesMut) {
        if let Command::Restore { keys, .. } = &command {
            for (number, key) in (1_000..).zip(keys) {
                out.extend_from_slice(format!("SUB {key} {number}\r\n").as_bytes());
            }
        }
        self.0.say(epoch, command, out);
    }

    fn hear(
        &mut self,
        epoch: Epoch,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<Option<Vec<Heard>>, Cause> {
        self.0.hear(epoch, input, out)
    }
}

#[test]
fn a_client_that_subscribes_twice_is_found() {
    finds("twice or not wanted: [\"key-", &[], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        let live = |stream, link| live(stream, link, Box::new(Twice(speaker())), Arc::clone(&journal));
        living(|| connect(address), live, stage);
    });
}

#[test]
fn a_client_that_dials_by_itself_is_found() {
    finds("dials came in on the network", &[kill(0)], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        let live = |stream, link: Link<_, _>| {
            let (speaker, journal) = (&speaker, Arc::clone(&journal));
            async move {
                // The policy hears nothing of the first loss: it dials again at once.
                if live(stream, link.clone(), speaker(), Arc::clone(&journal)).await.is_err() {
                    let stream = connect(address).await?;
                    return live(stream, link, speaker(), journal).await;
                }
                Ok(())
            }
        };
        living(|| connect(address), live, stage);
    });
}

#[test]
fn a_client_that_does_not_wait_is_found() {
    static EAGER: Config = CONFIG
        .to_builder()
        .backoff(BackoffConfig::constant(Duration::from_millis(1)).build_const())
        .build_const();
    finds("after the last one, after", &[kill(400)], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        let live = |stream, link| live(stream, link, speaker(), Arc::clone(&journal));
        supervised(policy_of(&EAGER, SEED), |_| connect(address), live, stage);
    });
}

/// A clock that runs ten times as fast, so that all waits are too short.
#[derive(Clone, Copy)]
struct Hasty(Tokio);

impl Runtime for Hasty {
    type Sleep = <Tokio as Runtime>::Sleep;

    fn now(&self) -> Instant {
        Instant::from_micros(self.0.now().as_micros() * 10)
    }

    fn sleep_until(&self, at: Instant) -> Self::Sleep {
        self.0.sleep_until(Instant::from_micros(at.as_micros() / 10))
    }
}

#[test]
fn a_client_whose_clock_is_ahead_is_found() {
    finds("the driver's clock is ahead", &[], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let clock = Hasty({
            let _context = runtime.enter();
            Tokio::new()
        });
        let live = |stream, link| live(stream, link, speaker(), Arc::clone(&journal));
        let (policy, protocol) = supervise(policy(SEED), clock, |_| connect(address), live).into_parts();
        stage.serve(policy, protocol, clock, |driver| runtime.block_on(driver.run()));
    });
}

#[test]
fn a_client_that_keeps_its_old_sockets_is_found() {
    let freeze = Fault::One(Disturbance { what: What::Freeze, hold: Duration::from_millis(1_500) });
    finds("several sockets were open at once", &[freeze], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        let kept = Arc::<Mutex<Vec<TcpStream>>>::default();
        let connect = || async {
            let stream = TcpStream::connect(address)?;
            stream.set_nonblocking(true)?;
            kept.lock().expect("nobody panics with it").push(stream.try_clone()?);
            Ok(tokio::net::TcpStream::from_std(stream)?.compat())
        };
        living(connect, |stream, link| live(stream, link, speaker(), Arc::clone(&journal)), stage);
    });
}

#[test]
fn a_client_that_leaves_tasks_behind_is_found() {
    finds("tasks are left after the run", &[], |address, stage| {
        let (speaker, journal) = (Nats::speaker(), Arc::clone(&stage.journal));
        let live = |stream, link| {
            drop(tokio::spawn(pending::<()>()));
            live(stream, link, speaker(), Arc::clone(&journal))
        };
        living(|| connect(address), live, stage);
    });
}

#[test]
fn a_client_that_never_finds_a_silent_server_is_found() {
    let mute = Fault::One(Disturbance { what: What::Mute, hold: Duration::from_millis(300) });
    finds("it is not online", &[mute], |address, stage| {
        let (speaker, journal, lives) = (Nats::speaker(), Arc::clone(&stage.journal), AtomicU32::new(0));
        let live = |mut stream: tokio_util::compat::Compat<tokio::net::TcpStream>, link: Link<_, _>| {
            let life = lives.fetch_add(1, Ordering::Relaxed);
            let (speech, journal) = (speaker(), Arc::clone(&journal));
            async move {
                if life == 0 {
                    return live(stream, link, speech, journal).await;
                }
                // It reads, is never ready, and claims that something comes in.
                link.received();
                let mut bytes = [0; 64];
                while stream.read(&mut bytes).await? > 0 {}
                pending().await
            }
        };
        living(|| connect(address), live, stage);
    });
}
