//! Issue 15, item 8: budgets and a breaker that processes share through a real Redis.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests of real processes"
)]

mod leases;
mod model;
#[path = "../../../../tests/common/port.rs"]
mod port;
mod processes;
mod server;

use std::cell::{Cell, RefCell};
use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use redial::driver::DialError;
use redial::fleet::{Call, Run};
use redial::{Instant, Ratio};
use redis::Script;

use server::Server;

const RATIO: Ratio = Ratio::new_const(1, 5);

/// Runs the scripts at a time of the test's, in microseconds.
struct Fake {
    now: Cell<u64>,
    connection: RefCell<redis::Connection>,
    reachable: Cell<bool>,
    _server: Server,
}

impl Fake {
    fn start() -> Option<Self> {
        Self::new(&[])
    }

    /// On a node of a cluster, which refuses keys with different hash tags. It takes 2 s to be one.
    fn in_a_cluster() -> Option<Self> {
        // By default the nodes speak at a port 10,000 higher, where another program may listen.
        let bus = port::free_port().to_string();
        let fake = Self::new(&["--cluster-enabled", "yes", "--cluster-port", &bus])?;
        let mut borrowed = fake.connection.borrow_mut();
        let connection = &mut *borrowed;
        let _: () = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16_383).query(connection).unwrap();
        server::eventually(|| {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query(connection).unwrap();
            info.contains("cluster_state:ok")
        });
        drop(borrowed);
        Some(fake)
    }

    fn new(options: &[&str]) -> Option<Self> {
        let server = Server::start(options)?;
        let (now, connection) = (Cell::new(1_000_000), RefCell::new(server.connect()));
        Some(Self { now, connection, reachable: Cell::new(true), _server: server })
    }

    fn pass(&self, micros: u64) {
        self.now.set(self.now.get() + micros);
    }

    fn at(&self) -> Instant {
        Instant::from_micros(self.now.get())
    }

    fn script(&self, script: &str, key: &str, args: &[String]) -> Vec<i64> {
        Script::new(script).key(key).arg(args).invoke(&mut *self.connection.borrow_mut()).unwrap()
    }

    /// Redis has lost everything.
    fn forget(&self) {
        let _: () = redis::cmd("FLUSHALL").query(&mut *self.connection.borrow_mut()).unwrap();
    }
}

impl Run for Fake {
    fn now(&self) -> Instant {
        self.at()
    }

    fn run(&self, call: &Call) -> impl Future<Output = Option<Vec<i64>>> {
        let mut args = call.args.clone();
        assert_eq!(args[0], "");
        args[0] = self.now.get().to_string();
        let reply = self.reachable.get().then(|| {
            let script = Script::new(call.script);
            script.key(&call.keys).arg(&args).invoke(&mut *self.connection.borrow_mut()).unwrap()
        });
        ready(reply)
    }
}

/// What is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// How long a refusal says to wait, in microseconds.
fn wait<T>(answer: Result<T, DialError>) -> Option<u64> {
    match answer {
        Ok(_) => None,
        Err(DialError::NotNow { retry_after }) => {
            Some(retry_after.map_or(u64::MAX, |d| d.as_micros() as u64))
        }
        Err(error) => panic!("{error:?}"),
    }
}
