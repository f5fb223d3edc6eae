//! As its documentation has it, with the gauntlet as `proxy_url`, since it is not Discord. With a proxy it dials no
//! resume_gateway_url.

use twilight_gateway::{ConfigBuilder, EventTypeFlags, Intents, Shard, ShardId, StreamExt as _};

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let url = std::env::args().nth(1).expect("a URL");
    let config = ConfigBuilder::new("token".to_owned(), Intents::empty()).proxy_url(url).build();
    let mut shard = Shard::with_config(ShardId::ONE, config);
    while let Some(event) = shard.next_event(EventTypeFlags::all()).await {
        println!("{event:?}");
    }
}
