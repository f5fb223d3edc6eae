//! How are subscriptions restored? A subscriber of Redis: the crate `redis` connects and subscribes, and redial decides when to dial,
//! restores the channels in batches of 50 and finds a server that has gone silent. `redis::aio::PubSub` does not reconnect by itself;
//! of the crate's other connections leave `ConnectionManager` out, which does.
//!
//! What was published while there was no connection is lost: Redis keeps nothing for a subscriber.
//!
//! ```sh
//! cargo run -p redial-beside --bin redis_pubsub -- redis://127.0.0.1 news weather
//! redis-cli publish news hello    # kill the server, start it again, and publish again
//! ```

use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use redial::driver::{Command, Failure, Link, Tokio, supervise};
use redial::policy::RestoreConfig;
use redial::subscriptions::SubscriptionList;
use redial::{Config, Event, Policy, SplitMix64, presets};
use redis::aio::PubSub;

const CONFIG: Config = presets::FEW
    .to_builder()
    .restore(
        RestoreConfig::new()
            .batches(50, Duration::from_millis(20))
            .confirm_timeout(Some(Duration::from_secs(10)))
            .build_const(),
    )
    // A `PING` every 30 s; any message counts as its answer.
    .heartbeat(presets::WEBSOCKET.heartbeat())
    .build_const();

async fn live(pubsub: PubSub, link: Link<(), String>) -> Result<(), Failure> {
    let (mut sink, mut messages) = pubsub.split();
    // A server that is loading, or that wants a password, answers with an error as a value.
    sink.ping::<redis::Value>().await?.extract_error()?;
    link.ready();
    let read = async {
        while let Some(message) = messages.next().await {
            link.received();
            let text = String::from_utf8_lossy(message.get_payload_bytes());
            println!("{}: {text}", message.get_channel_name());
        }
        Ok(())
    };
    let write = async {
        while let Some(command) = link.command().await {
            match command {
                Command::Restore { keys, send } => {
                    sink.subscribe(&keys).await?;
                    for key in keys {
                        let (epoch, send) = (link.epoch(), Some(send));
                        link.tell(Event::SubscriptionConfirmed { epoch, key, send });
                    }
                }
                Command::Unsubscribe(channel) => sink.unsubscribe(channel).await?,
                Command::Heartbeat { .. } => {
                    sink.ping::<redis::Value>().await?.extract_error()?;
                    link.acknowledged();
                }
                _ => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        read = read => read,
        write = write => write,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let client = match redis::Client::open(arguments.next().unwrap_or_default()) {
        Ok(client) => client,
        Err(error) => {
            eprintln!("redis_pubsub: give redis://HOST and channels: {error}");
            return ExitCode::from(2);
        }
    };
    let policy = Policy::new(&CONFIG, SplitMix64::from_os()).with_subscriptions(SubscriptionList::new());
    let connect = |_| async { Ok::<_, Failure>(client.get_async_pubsub().await?) };
    let mut driver = supervise(policy, Tokio::new(), connect, live);
    let handle = driver.handle();
    for channel in arguments {
        handle.subscribe(channel, 0);
    }
    let mut changes = handle.changes();
    tokio::spawn(async move {
        while let Some(change) = changes.recv().await {
            eprintln!("{change}");
        }
    });
    eprintln!("{}", driver.run().await);
    ExitCode::FAILURE
}
