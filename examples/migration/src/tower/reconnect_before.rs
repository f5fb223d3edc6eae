//! Before.

use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tower::reconnect::Reconnect;
use tower::{Service, ServiceExt};

use super::Connector;

pub type Request = (String, oneshot::Sender<String>);

pub async fn serve(address: &str, mut requests: Receiver<Request>) {
    let mut client = Reconnect::new(Connector, address.to_owned());
    while let Some((request, answer)) = requests.recv().await {
        // The first call after a loss, or after a dial that failed, is the one that pays for it.
        let called = async { client.ready().await?.call(request).await };
        if let Ok(line) = called.await {
            drop(answer.send(line));
        }
    }
}
