//! A TCP connection that a device keeps alive over embassy-net, without a heap: a protocol of lines, with a session, subscriptions,
//! heartbeats and messages both ways.
//!
//! On a board, spawn [`keep_alive`] as a task beside that of the stack, and speak to it through [`Channels`]:
//!
//! ```ignore
//! static CHANNELS: Channels = Channels::new();
//!
//! #[embassy_executor::task]
//! async fn uplink(stack: Stack<'static>, device: u64) {
//!     let server = IpEndpoint::new(IpAddress::v4(10, 0, 0, 2), 4000);
//!     keep_alive(stack, server, device, &CHANNELS).await;
//! }
//!
//! CHANNELS.subscribe(7).await;
//! CHANNELS.send("hello").await;
//! let message = CHANNELS.incoming.receive().await;
//! ```
//!
//! The lines are `LOGIN`, `OK <token> <number>`, `RESUME <token> <number>`, `RESUMED`, `EXPIRED`, `SUB <topic>`, `SUBBED <topic>`, `PING`,
//! `PONG`, `SAY <text>` and `MSG <number> <text>`.

#![no_std]
#![forbid(unsafe_code)]

mod device;
mod lines;

use core::time::Duration;

use embassy_net::tcp::TcpSocket;
use embassy_net::{IpEndpoint, Stack};
use redial::driver::heapless::Driver;
use redial::driver::{Embassy, Outcome};
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::subscriptions::FixedSubscriptions;
use redial::{Policy, SplitMix64, fixed_config, presets};

pub use device::{Channels, Device};
pub use lines::{Lines, Text, Token, Topic};

fixed_config! {
    /// What this project recommends, with a heartbeat, since the protocol has one.
    pub struct Uplink = presets::RECOMMENDED
        .to_builder()
        .heartbeat(
            HeartbeatConfig::new()
                .interval(Duration::from_secs(30))
                .liveness(Liveness::AnyTraffic)
                .answer_within(Some(Duration::from_secs(10)))
                .build_const(),
        )
        .build_const();
}

/// The topics that a device can have, and the places of commands that wait: two for each topic and four beside them.
const TOPICS: usize = 4;
const COMMANDS: usize = 2 * TOPICS + 4;

/// Keeps a connection to this server alive, until it is stopped through the channels. `device` is a number that no other device has: it
/// seeds the jitter.
pub async fn keep_alive(stack: Stack<'_>, server: IpEndpoint, device: u64, channels: &Channels) -> Outcome {
    let (mut received, mut to_send) = ([0; 512], [0; 512]);
    let socket = TcpSocket::new(stack, &mut received, &mut to_send);
    let policy = Policy::new(Uplink, SplitMix64::new(device))
        .with_session_type::<Token>()
        .with_subscriptions(FixedSubscriptions::<Topic, TOPICS>::new());
    let lines = Lines::new(socket, server, channels);
    let mut driver = Driver::<_, _, _, _, COMMANDS>::new(policy, lines, Embassy, Device::new(channels));
    driver.run().await
}
