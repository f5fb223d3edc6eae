//! A sink sees what a client goes through, with a handover and without.

use std::sync::mpsc::{Sender, channel};

use redial::telemetry::{Change, Sink};
use redial::{Instant, handover};

use crate::server::{Server, soon};
use crate::sessions::chat;

struct Words(Sender<&'static str>);

impl Sink for Words {
    fn change(&mut self, _: Instant, change: &Change) {
        // The test may be over.
        self.0.send(change.as_str()).unwrap_or_default();
    }
}

#[tokio::test]
async fn one_line_shows_every_change() {
    for handover in [None, Some(handover::Config::DEFAULT)] {
        let server = Server::start();
        let (words, told) = channel();
        let mut client = chat(&server.url()).subscribe("lobby").observe(Words(words));
        if let Some(handover) = handover {
            client = client.handover(handover);
        }
        let client = client.spawn().unwrap();
        soon(client.online()).await.unwrap();
        server.until_heard(1, "SUB lobby").await;
        client.handle().stop();
        soon(client.closed()).await;
        let told: Vec<_> = told.try_iter().collect();
        for word in ["outage_began", "attempt_began", "attempt_ended", "restored", "outage_ended"] {
            assert_eq!(told.iter().filter(|told| **told == word).count(), 1, "{word}: {told:?}");
        }
    }
}
