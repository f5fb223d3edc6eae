//! The device on one stack of embassy-net and its server on another, with a wire between them and virtual time: TCP as it is, a server that
//! is killed and one that has forgotten, a wire that is cut.

mod common;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use embassy_net::driver::{HardwareAddress, LinkState};
use embassy_net::tcp::TcpSocket;
use embassy_net::{Config, IpEndpoint, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver_channel as channel;
use embassy_time::{Duration, Timer};
use futures_util::future::{Either, join, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use redial::Event;
use redial::driver::Outcome;
use redial_embassy::{Channels, keep_alive};

const MTU: usize = 1_514;
const PORT: u16 = 4000;

/// A stack with this address, and the end of its wire.
fn stack(last: u8) -> (Stack<'static>, impl Future<Output = ()>, channel::Runner<'static, MTU>) {
    // On a board these are in a `static`.
    let state = Box::leak(Box::new(channel::State::<MTU, 4, 4>::new()));
    let resources = Box::leak(Box::new(StackResources::<3>::new()));
    let (runner, device) = channel::new(state, HardwareAddress::Ip);
    let address = Ipv4Cidr::new(Ipv4Address::new(10, 0, 0, last), 24);
    let config =
        Config::ipv4_static(StaticConfigV4 { address, gateway: None, dns_servers: Default::default() });
    let (stack, mut running) = embassy_net::new(device, config, resources, u64::from(last) * 7_919);
    (stack, async move { _ = running.run().await }, runner)
}

/// Carries the packets of one end to the other, while the wire is whole.
async fn carry(
    mut from: channel::TxRunner<'static, MTU>,
    mut to: channel::RxRunner<'static, MTU>,
    whole: Rc<Cell<bool>>,
) {
    loop {
        let packet = from.tx_buf().await.to_vec();
        from.tx_done();
        if whole.get() {
            to.rx_buf().await[..packet.len()].copy_from_slice(&packet);
            to.rx_done(packet.len());
        }
    }
}

/// What the server does next.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Serves,
    /// Nobody listens.
    Down,
    /// It serves, and knows no session.
    Forgets,
}

/// A server of lines, its connections, and what it heard.
struct Server {
    mode: Cell<Mode>,
    heard: RefCell<Vec<String>>,
    number: Cell<u64>,
}

impl Server {
    /// Serves one connection after the other; a change of its mode resets the one that is there.
    async fn run(&self, stack: Stack<'static>) {
        let (mut received, mut to_send) = (vec![0; 512], vec![0; 512]);
        let mut socket = TcpSocket::new(stack, &mut received, &mut to_send);
        loop {
            let mode = self.mode.get();
            let changed = async {
                while self.mode.get() == mode {
                    Timer::after(Duration::from_millis(10)).await;
                }
            };
            let serving = async {
                if mode == Mode::Down || socket.accept(PORT).await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.serve(&mut socket, mode).await;
            };
            // A connection that has ended is followed by the next.
            select(Box::pin(serving), Box::pin(changed)).await;
            socket.abort();
            let _reset = socket.flush().await;
        }
    }

    async fn serve(&self, socket: &mut TcpSocket<'_>, mode: Mode) {
        let mut text = String::new();
        let mut bytes = [0; 128];
        loop {
            let tick = Timer::after(Duration::from_secs(5));
            let read = match select(Box::pin(socket.read(&mut bytes)), tick).await {
                Either::Left((read, _)) => Some(read),
                Either::Right(_) => None,
            };
            let read = match read {
                Some(Ok(read)) if read > 0 => read,
                Some(_) => return,
                None => {
                    self.number.set(self.number.get() + 1);
                    let message = format!("MSG {} tick\n", self.number.get());
                    if socket.write(message.as_bytes()).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            text += core::str::from_utf8(&bytes[..read]).unwrap();
            while let Some((line, rest)) = text.split_once('\n') {
                let (line, rest) = (line.to_owned(), rest.to_owned());
                let (word, about) = line.split_once(' ').unwrap_or((&line, ""));
                let answer = match word {
                    "LOGIN" => "OK s1 0\n".to_owned(),
                    "RESUME" if mode == Mode::Forgets => "EXPIRED\n".to_owned(),
                    "RESUME" => "RESUMED\n".to_owned(),
                    "SUB" => format!("SUBBED {about}\n"),
                    "PING" => "PONG\n".to_owned(),
                    _ => String::new(),
                };
                self.heard.borrow_mut().push(line);
                // The write of nothing would wait for a place.
                if !answer.is_empty() {
                    let _written = socket.write(answer.as_bytes()).await;
                }
                text = rest;
            }
        }
    }

    fn heard(&self, what: &str) -> usize {
        self.heard.borrow().iter().filter(|line| line.starts_with(what)).count()
    }
}

async fn seconds(seconds: u64) {
    Timer::after(Duration::from_secs(seconds)).await;
}

#[test]
fn a_connection_is_kept_alive() {
    let clock = common::clock();
    let (device, device_runs, device_end) = stack(1);
    let (host, host_runs, host_end) = stack(2);
    let whole = Rc::new(Cell::new(true));
    let (device_state, device_in, device_out) = device_end.split();
    let (host_state, host_in, host_out) = host_end.split();
    device_state.set_link_state(LinkState::Up);
    host_state.set_link_state(LinkState::Up);

    let server = Server { mode: Cell::new(Mode::Serves), heard: RefCell::default(), number: Cell::new(0) };
    let channels = Channels::new();
    let endpoint = IpEndpoint::new(Ipv4Address::new(10, 0, 0, 2).into(), PORT);
    let life = async {
        channels.subscribe(7).await;
        seconds(10).await;
        assert_eq!((server.heard("LOGIN"), server.heard("SUB 7")), (1, 1));
        channels.send("hello").await;
        assert_eq!(channels.incoming.receive().await.as_str(), "tick");
        seconds(1).await;
        assert_eq!(server.heard("SAY hello"), 1);

        // Killed, away for a while, and back with its sessions.
        server.mode.set(Mode::Down);
        seconds(20).await;
        server.mode.set(Mode::Serves);
        channels.send("after the loss").await;
        seconds(60).await;
        assert_eq!(server.heard("RESUME s1"), 1);
        assert_eq!((server.heard("LOGIN"), server.heard("SUB 7")), (1, 1), "the session knows the topic");
        assert_eq!(server.heard("SAY after the loss"), 1, "it waited for the connection");

        // A wire that is cut shows nothing: the heartbeat finds it.
        whole.set(false);
        seconds(60).await;
        whole.set(true);
        seconds(120).await;
        assert_eq!(server.heard("RESUME s1"), 2);

        // A server that has forgotten.
        server.mode.set(Mode::Forgets);
        seconds(60).await;
        assert_eq!((server.heard("RESUME s1"), server.heard("LOGIN"), server.heard("SUB 7")), (3, 2, 2));
        channels.tell(Event::Stop { keep: false }).await;
    };
    let ended = Cell::new(None);
    let alive = async { ended.set(Some(join(keep_alive(device, endpoint, 7, &channels), life).await.0)) };
    // A task each, as on a board: a socket that is looked at wakes its stack, which would wake all that shares its waker.
    let tasks: [Pin<Box<dyn Future<Output = ()>>>; 6] = [
        Box::pin(alive),
        Box::pin(device_runs),
        Box::pin(host_runs),
        Box::pin(carry(device_out, host_in, whole.clone())),
        Box::pin(carry(host_out, device_in, whole.clone())),
        Box::pin(server.run(host)),
    ];
    let mut tasks = FuturesUnordered::from_iter(tasks);
    clock.run(tasks.next(), Duration::from_secs(3_600));
    assert_eq!(ended.get(), Some(Outcome::Stopped));
    assert_eq!(channels.in_doubt(), 0);
}
