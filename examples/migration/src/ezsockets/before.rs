//! Before.

use async_trait::async_trait;
use ezsockets::{Bytes, Client, ClientConfig, ClientExt, Error, Utf8Bytes};

struct Feed {
    client: Client<Self>,
    on_line: Box<dyn Fn(String) + Send + Sync>,
}

#[async_trait]
impl ClientExt for Feed {
    type Call = ();

    async fn on_connect(&mut self) -> Result<(), Error> {
        self.client.text("SUB lobby")?;
        Ok(())
    }

    async fn on_text(&mut self, text: Utf8Bytes) -> Result<(), Error> {
        (self.on_line)(text.to_string());
        Ok(())
    }

    async fn on_binary(&mut self, _: Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_call(&mut self, (): ()) -> Result<(), Error> {
        Ok(())
    }
}

pub async fn follow(url: &str, on_line: impl Fn(String) + Send + Sync + 'static) -> Result<(), Error> {
    let feed = |client| Feed { client, on_line: Box::new(on_line) };
    let (_client, future) = ezsockets::connect(feed, ClientConfig::new(url)).await;
    future.await
}
