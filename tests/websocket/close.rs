//! Close frames both ways.

use futures_util::{SinkExt, StreamExt};
use redial::Cause;
use redial::driver::Outcome;
use redial::policy::GiveUp;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::dial::listener;
use crate::heard::{Heard, client};
use crate::server::soon;

async fn accept(listener: &tokio::net::TcpListener) -> WebSocketStream<TcpStream> {
    let stream = soon(listener.accept()).await.unwrap().0;
    soon(accept_async(stream)).await.unwrap()
}

/// The code and the reason of the client's close frame, with everything before it read.
async fn closed(server: &mut WebSocketStream<TcpStream>) -> (u16, String) {
    loop {
        match soon(server.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What the server sends until it is answered is read, so that nothing resets the connection before the frame is there.
#[tokio::test]
async fn a_stop_says_1000_and_drains() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let socket = connect.close_reason("done for today").spawn().unwrap();
    let mut server = accept(&listener).await;
    soon(socket.online()).await.unwrap();
    let end = tokio::spawn(socket.close());
    for n in 0..50 {
        server.feed(Message::text(n.to_string())).await.unwrap();
    }
    server.flush().await.unwrap();
    assert_eq!(closed(&mut server).await, (1000, "done for today".to_owned()));
    // The answer is written by the next read, which finds the end: no reset.
    assert!(soon(server.next()).await.is_none());
    drop(server);
    assert_eq!(soon(end).await.unwrap().outcome, Some(Outcome::Stopped));
}

#[tokio::test]
async fn a_socket_that_is_dropped_is_closed() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let socket = connect.spawn().unwrap();
    let mut server = accept(&listener).await;
    soon(socket.online()).await.unwrap();
    drop(socket);
    assert_eq!(closed(&mut server).await.0, 1000);
}

/// One that is to be resumed is not closed with 1000 or 1001, which would end its session.
#[tokio::test]
async fn a_redial_says_4000() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let socket = connect.spawn().unwrap();
    let mut server = accept(&listener).await;
    soon(socket.online()).await.unwrap();
    socket.handle().redial();
    assert_eq!(closed(&mut server).await, (4000, String::new()));
    drop(server);
    accept(&listener).await;
}

#[tokio::test]
async fn the_servers_code_and_reason_are_told() {
    let (listener, url) = listener().await;
    let (connect, mut reports) = client(&url);
    let socket = connect.spawn().unwrap();
    for (frame, code, reason) in [
        (Some(CloseFrame { code: 1012.into(), reason: "restart".into() }), 1012, "restart"),
        (Some(CloseFrame { code: 4321.into(), reason: "".into() }), 4321, ""),
        (None, 1005, ""),
    ] {
        let mut server = accept(&listener).await;
        server.close(frame).await.unwrap();
        // The client answers.
        assert!(matches!(soon(server.next()).await, Some(Ok(Message::Close(_)))));
        drop(server);
        assert!(matches!(soon(reports.recv()).await, Some(Heard::Upgraded(_))));
        match soon(reports.recv()).await {
            Some(Heard::Closed(close)) => assert_eq!((close.code, close.reason.as_str()), (code, reason)),
            other => panic!("{other:?}"),
        }
        socket.handle().retry_now();
    }
}

/// A code that the policy takes for final ends the client, with the reason as a value.
#[tokio::test]
async fn a_final_code_ends_the_client() {
    let (listener, url) = listener().await;
    let (connect, _reports) = client(&url);
    let mut socket = connect.spawn().unwrap();
    let mut server = accept(&listener).await;
    server.send(Message::text("last")).await.unwrap();
    server.close(Some(CloseFrame { code: 3003.into(), reason: "forbidden".into() })).await.unwrap();
    while let Some(Ok(_)) = soon(server.next()).await {}
    assert_eq!(soon(socket.recv()).await.unwrap().to_string(), "last", "what came before is not lost");
    assert_eq!(soon(socket.recv()).await, None);
    let cause = Cause::CloseFrame(3003);
    let end = soon(socket.closed()).await;
    assert_eq!(end.outcome, Some(Outcome::GaveUp { reason: GiveUp::Fatal, cause }));
    let error = soon(socket.send("too late")).await.unwrap_err();
    assert_eq!(error.into_message().unwrap().to_string(), "too late");
}
