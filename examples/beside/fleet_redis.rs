//! How do workers on several machines keep to one limit? Every process here has some clients of a line server that takes two new
//! sessions in 5 s, and all processes share that budget and one breaker through Redis.
//!
//! ```sh
//! cargo run -p redial-beside --bin fleet_redis -- --help
//! ```

use std::sync::Arc;
use std::time::Duration;

use redial::budget::StartBudgetConfig;
use redial::driver::{DialError, Tokio, supervise};
use redial::fleet::{Breaker, Call, Redis, Run, Share, StartPermit, Starts};
use redial::{Policy, SplitMix64, breaker, presets};
use redis::Script;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const HELP: &str = "\
Clients of a server, in one process of a fleet that shares a start budget and a breaker through Redis.

usage: fleet_redis REDIS SERVER MEMBER OF CLIENTS
       fleet_redis redis://127.0.0.1 127.0.0.1:7000 0 3 4

  REDIS    the URL of a Redis that all processes reach
  SERVER   the address of a TCP server: `nc -lk 7000` will do
  MEMBER   the number of this process, from 0
  OF       how many processes there are
  CLIENTS  how many clients this one has

Start it several times, with other numbers. Kill a process, Redis, the server. Each line that it prints is a start: the client, and
whether Redis granted it or, while Redis is away, this process's turn did.";

/// Two starts in 5 s, over all processes.
const STARTS: StartBudgetConfig = StartBudgetConfig::new(1, 2, Duration::from_secs(5)).build_const();
/// Five failures in a row, of whichever process, close the way to the server for 10 s; then one client of one process probes.
const BREAKER: breaker::Config =
    breaker::Config::new(5, Duration::from_secs(10)).lease(Duration::from_secs(5)).build_const();

struct Fleet<R> {
    redis: R,
    starts: Starts,
    breaker: Breaker,
    server: String,
}

impl<R: Run> Fleet<R> {
    /// A session of one client, as soon as the fleet has one for it.
    async fn dial(&self, client: u32) -> Result<TcpStream, DialError> {
        let attempt = self.breaker.ask(&self.redis).await?;
        let start = match self.starts.ask(&self.redis, client).await {
            Ok(start) => start,
            Err(not_now) => {
                attempt.release(&self.redis).await;
                return Err(not_now);
            }
        };
        match self.identify(client, &start).await {
            Ok(stream) => {
                start.started(&self.redis).await;
                attempt.success(&self.redis).await;
                Ok(stream)
            }
            Err(error) => {
                start.release(&self.redis).await;
                attempt.failure(&self.redis).await;
                Err(error.into())
            }
        }
    }

    async fn identify(&self, client: u32, start: &StartPermit<'_>) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.server).await?;
        // A slow dial may have outlived its permit.
        if self.redis.now() >= start.until() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        println!("client {client} starts{}", if start.is_local() { ", without Redis" } else { "" });
        stream.write_all(format!("IDENTIFY {client}\n").as_bytes()).await?;
        Ok(stream)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [redis, server, numbers @ ..] = &args[..] else { return println!("{HELP}") };
    let Ok([member, of, clients]) =
        <[u32; 3]>::try_from(numbers.iter().filter_map(|number| number.parse().ok()).collect::<Vec<_>>())
    else {
        return println!("{HELP}");
    };
    let client = redis::Client::open(redis.as_str()).expect("give redis://HOST");
    let connect = || client.get_multiplexed_async_connection();
    let invoke = |mut connection: MultiplexedConnection, call: Call| async move {
        Script::new(call.script).key(call.keys).arg(call.args).invoke_async(&mut connection).await
    };
    let fleet = Arc::new(Fleet {
        redis: Redis::new(connect, invoke, Tokio::new()),
        starts: Starts::new("line-server", STARTS)
            .with_lease(Duration::from_secs(1)) // No dial to this server takes longer.
            .with_share(Share { member, of }),
        breaker: Breaker::new("line-server", BREAKER, member.into()),
        server: server.clone(),
    });
    let all = (0..clients).map(|number| {
        let (fleet, client) = (fleet.clone(), member * clients + number);
        let connect = move |_| {
            let fleet = fleet.clone();
            async move { Ok(fleet.dial(client).await?) }
        };
        let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::from_os());
        let mut driver = supervise(policy, Tokio::new(), connect, |stream, link| async move {
            link.ready();
            let mut lines = BufReader::new(stream).lines();
            while lines.next_line().await?.is_some() {
                link.received();
            }
            Ok(())
        });
        async move { println!("client {client}: {:?}", driver.run().await) }
    });
    futures_util::future::join_all(all).await;
}
