//! The clients over TCP of the other benchmarks. The server speaks first, and a connection counts when that was read.

use std::net::SocketAddr;
use std::sync::Arc;

use redial::driver::{Driver, Tokio};
use redial::{Policy, SplitMix64, presets};
use redial_benches::driver::MESSAGE;
use redial_benches::driver::clients::{self, Client, Numbered};
use tokio::net::TcpStream;

use crate::clients::Tally;

pub(crate) async fn by_hand(address: SocketAddr, tally: Arc<Tally>) {
    let dial = async || {
        tally.dialled();
        TcpStream::connect(address).await
    };
    let mut taken = first(&tally);
    match clients::by_hand(dial, async |message| taken(message)).await {}
}

pub(crate) async fn stubborn(address: SocketAddr, tally: Arc<Tally>) {
    let Err(error) = clients::stubborn::<TcpStream, SocketAddr>(address, first(&tally)).await;
    eprintln!("scale: {error}");
}

pub(crate) fn redial(address: SocketAddr, number: u32, tally: Arc<Tally>) {
    let counted = Arc::clone(&tally);
    let dial = move || {
        counted.dialled();
        async move { TcpStream::connect(address).await.map(TcpStream::into_split) }
    };
    let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(number.into()));
    let mut driver = Driver::new(policy, Client::<_, Numbered>::new(dial), Tokio::new());
    let online = driver.handle().online();
    tokio::spawn(async move { driver.run().await });
    tokio::spawn(async move {
        if online.await.is_ok() {
            tally.connected();
        }
    });
}

/// Called with each message of a connection; only the first counts.
fn first(tally: &Arc<Tally>) -> impl FnMut([u8; MESSAGE]) + Send + use<> {
    let (tally, mut counted) = (Arc::clone(tally), false);
    move |_| {
        if !std::mem::replace(&mut counted, true) {
            tally.connected();
        }
    }
}
