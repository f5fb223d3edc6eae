//! Before.

use twilight_gateway::{ConfigBuilder, EventTypeFlags, Intents, Shard, ShardId, StreamExt as _};

pub async fn follow(url: &str, token: &str, on_event: impl Fn(String)) {
    let config = ConfigBuilder::new(token.to_owned(), Intents::empty()).proxy_url(url.to_owned()).build();
    let mut shard = Shard::with_config(ShardId::ONE, config);
    while let Some(event) = shard.next_event(EventTypeFlags::all()).await {
        if let Some(name) = event.ok().and_then(|event| event.kind().name()) {
            on_event(name.to_owned());
        }
    }
}
