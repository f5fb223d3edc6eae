//! How do I keep the connection of a crate that owns its socket? A worker on a list in Redis: one closure connects, one
//! lives while the connection does, and the policy decides when to dial again. Kill the server and start it again.
//!
//! ```sh
//! cargo run -p redial-beside --bin supervise -- redis://127.0.0.1
//! ```

use redial::{Policy, SplitMix64, driver, presets};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = redis::Client::open(std::env::args().nth(1).unwrap_or_default()).expect("give redis://HOST");
    let policy = Policy::new(&presets::FEW, SplitMix64::from_os());
    let patient = redis::AsyncConnectionConfig::new().set_response_timeout(None); // BLPOP takes as long as it takes
    let connect = |_| async { Ok(client.get_multiplexed_async_connection_with_config(&patient).await?) };
    let mut worker = driver::supervise(policy, driver::Tokio::new(), connect, |mut redis, link| async move {
        link.ready();
        loop {
            let job: [String; 2] = redis::cmd("BLPOP").arg(&["jobs", "0"]).query_async(&mut redis).await?;
            println!("{}", job[1]);
        }
    });
    println!("{}", worker.run().await);
}
