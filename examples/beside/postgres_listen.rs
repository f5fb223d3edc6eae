//! How do I keep a `LISTEN`? A listener of PostgreSQL: `tokio-postgres` connects and does not reconnect; redial decides when to dial
//! and restores the channels.
//!
//! A notification is for those who listen when it is sent, and what was missed meanwhile nobody can say. So after each restore, the
//! first one included, this prints `resync`: the moment to read the tables. What changes later is notified.
//!
//! ```sh
//! cargo run -p redial-beside --bin postgres_listen -- "host=127.0.0.1 user=postgres" jobs users
//! psql -h 127.0.0.1 -U postgres -c "NOTIFY jobs, '1'"    # restart the server, and notify again
//! ```

use std::future::poll_fn;
use std::process::ExitCode;
use std::time::Duration;

use redial::classify::Class;
use redial::driver::{Command, Failure, Link, Tokio, supervise};
use redial::policy::RestoreConfig;
use redial::subscriptions::SubscriptionList;
use redial::{Cause, Config, Event, Policy, SplitMix64, causes, presets};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls, Socket};

const CONFIG: Config = presets::FEW
    .to_builder()
    .restore(RestoreConfig::new().confirm_timeout(Some(Duration::from_secs(10))).build_const())
    // A query that asks for nothing when nothing was received for 30 s.
    .heartbeat(presets::WEBSOCKET.heartbeat())
    .build_const();

type Postgres = (Client, Connection<Socket, NoTlsStream>);

async fn connect(config: &str) -> Result<Postgres, Failure> {
    tokio_postgres::connect(config, NoTls).await.map_err(failure)
}

async fn live((client, mut connection): Postgres, link: Link<(), String>) -> Result<(), Failure> {
    link.ready();
    let read = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            link.received();
            if let AsyncMessage::Notification(notification) = message.map_err(failure)? {
                println!("{}: {}", notification.channel(), notification.payload());
            }
        }
        Ok(())
    };
    let write = async {
        while let Some(command) = link.command().await {
            match command {
                Command::Restore { keys, send } => {
                    let listen: String = keys.iter().map(|channel| statement("LISTEN", channel)).collect();
                    client.batch_execute(&listen).await.map_err(failure)?;
                    println!("resync: {}", keys.join(" "));
                    for key in keys {
                        let (epoch, send) = (link.epoch(), Some(send));
                        link.tell(Event::SubscriptionConfirmed { epoch, key, send });
                    }
                }
                Command::Unsubscribe(channel) => {
                    client.batch_execute(&statement("UNLISTEN", &channel)).await.map_err(failure)?;
                }
                Command::Heartbeat { .. } => {
                    client.batch_execute("").await.map_err(failure)?;
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

fn statement(verb: &str, channel: &str) -> String {
    format!("{verb} \"{}\";", channel.replace('"', "\"\""))
}

/// What the server says of it, or else what the error is by itself.
fn failure(error: Error) -> Failure {
    let cause = match error.code() {
        // It starts, recovers or shuts down, or an operator or a crash has ended the session.
        Some(&SqlState::CANNOT_CONNECT_NOW | &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN) => {
            Cause::Class(Class::Transient)
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => Cause::Class(Class::RateLimited),
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            Cause::AuthRejected
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => Cause::Class(Class::Fatal),
        _ => causes::of(&error),
    };
    cause.into()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(config) = arguments.next() else {
        eprintln!("usage: postgres_listen CONFIG CHANNEL...");
        return ExitCode::from(2);
    };
    let policy = Policy::new(&CONFIG, SplitMix64::from_os()).with_subscriptions(SubscriptionList::new());
    let mut driver = supervise(policy, Tokio::new(), |_| connect(&config), live);
    for channel in arguments {
        driver.handle().subscribe(channel, 0);
    }
    let mut changes = driver.handle().changes();
    tokio::spawn(async move {
        while let Some(change) = changes.recv().await {
            eprintln!("{change}");
        }
    });
    eprintln!("{:?}", driver.run().await);
    ExitCode::FAILURE
}
