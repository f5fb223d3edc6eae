//! A server that warns and cuts: the next connection is there before that.

use core::time::Duration;

use redial::handover;

use crate::server::{Server, soon};
use crate::sessions::chat;

const ROTATIONS: usize = 10;

/// Each message comes once and in order, each replaced connection ends with a close frame, and none is cut.
#[tokio::test]
async fn a_server_that_warns_cuts_nobody() {
    let server = Server::start();
    let mut chat =
        chat(&server.url()).subscribe("lobby").handover(handover::Config::DEFAULT).spawn().unwrap();
    server.until_heard(1, "SUB lobby").await;
    soon(chat.online()).await.unwrap();
    // In the room before the first message is said there.
    soon(chat.send("SAY lobby first")).await.unwrap();
    assert_eq!(soon(chat.recv()).await.unwrap(), "lobby first");
    let mut expected = 0;
    let mut said = 0;
    for rotation in 1..=ROTATIONS {
        server.warn(Duration::from_secs(2));
        // A message each 5 ms until the old connection is closed.
        while server.log().closed.len() < rotation {
            server.say("lobby", &said.to_string());
            soon(chat.send(format!("SAY attic {said}"))).await.expect("there is a connection at any time");
            said += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while expected < said {
            assert_eq!(soon(chat.recv()).await.unwrap(), format!("lobby {expected}"));
            expected += 1;
        }
    }
    let stats = soon(chat.handle().stats()).await.unwrap();
    assert_eq!((stats.losses, stats.opens), (0, 1 + ROTATIONS as u32));
    let log = server.log();
    assert_eq!((log.closed, log.cut), (vec![4000; ROTATIONS], 0));
    assert_eq!(log.most_open, 2);
    assert_eq!(log.heard.len(), 1 + ROTATIONS);
    let mut attic: Vec<_> = log.heard.concat();
    attic.retain(|heard| heard.starts_with("SAY attic "));
    assert_eq!(attic.len(), said, "each once");
}
