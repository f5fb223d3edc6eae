//! Each fault, as a client sees it.

use super::peer::{Peer, SILENCE, Seen, back, back_after_drop, dropped, offences, online, server, struck};
use crate::fault::{Expect, Fault};
use crate::protocol::{Event, Frame};
use crate::report::server_event::{Offence, ServerEvent};
use crate::server::Stuck;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

#[tokio::test]
async fn plain_drop_has_no_close_frame_and_can_be_resumed() {
    let (server, peer) = dropped(Fault::Drop).await;
    sleep(Duration::from_millis(300)).await;
    back(&server, &peer).await;
    let replayed = |event| matches!(event, ServerEvent::Resumed { replayed: 2.., .. });
    let entries = server.recorder().entries();
    assert!(entries.iter().any(|entry| replayed(entry.event)), "events went on during the outage");
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn close_without_code() {
    let (server, mut peer) = struck(Fault::CloseWithoutCode).await;
    assert_eq!(peer.skip().await, Seen::Close(None));
    assert_eq!(peer.see().await, Seen::End);
    back(&server, &peer).await;
}

#[tokio::test]
async fn op_7_then_close_after_100_ms() {
    let (server, mut peer) = struck(Fault::ReconnectThenClose).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::RECONNECT));
    let asked = Instant::now();
    assert_eq!(peer.skip().await, Seen::Close(None));
    assert!(asked.elapsed() > Duration::from_millis(80));
    back(&server, &peer).await;
}

#[tokio::test]
async fn op_7_instead_of_hello() {
    let (server, old) = dropped(Fault::ReconnectInsteadOfHello).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    assert_eq!(peer.see().await, Seen::Frame(Frame::RECONNECT));
    peer.silent().await;
    peer.close(4000).await;
    back(&server, &old).await;
}

#[tokio::test]
async fn silence_instead_of_hello() {
    let (server, old) = dropped(Fault::SilenceInsteadOfHello).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.silent().await;
    drop(peer);
    back(&server, &old).await;
}

#[tokio::test]
async fn hello_then_silence() {
    let (server, old) = dropped(Fault::HelloThenSilence).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    peer.beat(Some(old.seq)).await;
    peer.silent().await;
    drop(peer);
    back(&server, &old).await;
}

#[tokio::test]
async fn acks_stop_while_events_go_on() {
    let server = server().await;
    let mut peer = online(&server).await;
    peer.beat(Some(peer.seq)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    server.next_fault(Fault::AcksStop).await;
    peer.events(5).await;
    peer.beat(Some(peer.seq)).await;
    peer.events(30).await;
    assert_eq!(offences(&server), []);
    back_after_drop(&server, peer).await;
}

#[tokio::test]
async fn pings_come_without_end() {
    let (server, mut peer) = struck(Fault::PingFlood).await;
    for _ in 0..10_000 {
        assert_eq!(peer.skip().await, Seen::Ping);
    }
    back_after_drop(&server, peer).await;
    assert_eq!(offences(&server), []);
}

/// A beat in the midst of it is never acknowledged, because it is never read.
#[tokio::test]
async fn fragments_come_without_end() {
    let (server, mut peer) = struck(Fault::EndlessFragments).await;
    peer.skip_until_silent().await;
    peer.beat(Some(peer.seq)).await;
    peer.silent().await;
    back_after_drop(&server, peer).await;
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn a_wild_sequence_number_and_then_a_drop() {
    let (server, mut peer) = struck(Fault::WildSequence).await;
    match peer.skip().await {
        Seen::Odd(text) => assert!(text.contains(&u64::MAX.to_string()), "{text}"),
        other => panic!("{other:?}"),
    }
    peer.events(5).await;
    assert_eq!(peer.skip().await, Seen::End);
    back(&server, &peer).await;
}

#[tokio::test]
async fn a_second_ready_exchanges_the_session() {
    let (server, mut peer) = struck(Fault::SecondReady).await;
    let old = peer.session.clone();
    // The first may have been on its way, the others may not claim to have seen more than the new session sent.
    for _ in 0..2 {
        let seq = peer.seq;
        match peer.skip().await {
            Seen::Frame(Frame::Dispatch { s: 1, event: Event::Ready { session_id, .. } }) => {
                assert_ne!(session_id, old);
                (peer.session, peer.seq) = (session_id, 1);
                peer.beat(Some(seq)).await;
                assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
                assert_eq!(offences(&server), []);
                peer.beat(Some(u64::from(u32::MAX))).await;
            }
            other => assert_eq!(other, Seen::Frame(Frame::HeartbeatAck)),
        }
    }
    assert!(matches!(offences(&server)[..], [Offence::SequenceAhead { .. }]));
    peer.events(3).await;
    peer.close(4000).await;
}

#[tokio::test]
async fn accept_then_close_eight_times() {
    let (server, old) = dropped(Fault::AcceptThenClose).await;
    for _ in 0..8 {
        let mut peer = Peer::dial(server.resume_url()).await.unwrap();
        assert_eq!(peer.see().await, Seen::Close(None));
        assert_eq!(peer.see().await, Seen::End);
    }
    back(&server, &old).await;
    assert_eq!(server.recorder().most_open().0, 1);
}

/// Discord lets the client resume on the same connection or on a new one.
#[tokio::test]
async fn invalid_session_true() {
    for same in [true, false] {
        let (server, mut peer) = struck(Fault::InvalidSessionTrue).await;
        assert_eq!(peer.skip().await, Seen::Frame(Frame::InvalidSession { resumable: true }));
        peer.silent().await;
        if same {
            let (session, seq) = (peer.session.clone(), peer.seq);
            peer.ask_resume(&session, seq).await;
            let resumed = peer.skip().await;
            assert!(matches!(resumed, Seen::Frame(Frame::Dispatch { event: Event::Resumed, .. })));
        } else {
            back(&server, &peer).await;
        }
        assert_eq!(offences(&server), []);
    }
}

#[tokio::test]
async fn invalid_session_false() {
    let (server, old) = dropped(Fault::InvalidSessionFalse).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    assert_eq!(peer.see().await, Seen::Frame(Frame::InvalidSession { resumable: false }));
    drop(peer);
    let fresh = online(&server).await;
    assert_ne!(fresh.session, old.session);
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn a_session_that_is_gone_stays_gone() {
    let (server, mut old) = struck(Fault::SessionTimedOut).await;
    assert_eq!(old.skip().await, Seen::Close(Some(4009)));
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    assert_eq!(peer.see().await, Seen::Frame(Frame::InvalidSession { resumable: false }));
    assert_eq!(offences(&server), [Offence::DeadSession]);
}

#[tokio::test]
async fn invalid_sequence_closes_the_resume_with_4007() {
    let (server, old) = dropped(Fault::InvalidSequence).await;
    let mut peer = Peer::dial(server.resume_url()).await.unwrap();
    peer.hello().await;
    peer.ask_resume(&old.session, old.seq).await;
    assert_eq!(peer.see().await, Seen::Close(Some(4007)));
    drop(peer);
    online(&server).await;
    assert_eq!(offences(&server), []);
}

#[tokio::test]
async fn refused_ports_come_back_at_the_same_address() {
    let (server, old) = dropped(Fault::PortRefused).await;
    for url in [server.gateway_url(), server.resume_url()] {
        match Peer::dial(url).await {
            Err(Error::Io(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            other => panic!("{:?}", other.err()),
        }
    }
    sleep(Duration::from_millis(900)).await;
    drop(Peer::dial(server.gateway_url()).await.unwrap());
    back(&server, &old).await;
}

#[tokio::test]
async fn an_upgrade_that_is_never_answered() {
    let (server, old) = dropped(Fault::NeverAnswers).await;
    assert!(timeout(SILENCE, Peer::dial(server.gateway_url())).await.is_err());
    back(&server, &old).await;
    assert_eq!(server.recorder().most_open().0, 1);
}

#[tokio::test]
async fn http_refusals_say_when_to_come_again() {
    for (fault, status, wait) in [
        (Fault::Http503, 503, true),
        (Fault::Http429, 429, true),
        (Fault::Http403, 403, true),
        (Fault::Http418, 418, true),
        (Fault::Http404, 404, false),
        (Fault::Http200, 200, false),
        (Fault::Http302, 302, false),
    ] {
        let (server, old) = dropped(fault).await;
        for _ in 0..fault.plan().times {
            match Peer::dial(server.resume_url()).await {
                Err(Error::Http(response)) => {
                    assert_eq!(response.status(), status);
                    let after = response.headers().get("retry-after").map(|after| after.as_bytes());
                    assert_eq!(after, wait.then_some(&b"1"[..]));
                }
                other => panic!("{:?}", other.err()),
            }
        }
        // Whoever was asked to wait and does not has a bad name.
        let early = wait && fault != Fault::Http503;
        if wait && !early {
            sleep(Duration::from_secs(1)).await;
        }
        back(&server, &old).await;
        assert_eq!(matches!(offences(&server)[..], [Offence::TooEarly { .. }]), early);
        assert_eq!(offences(&server).is_empty(), !early);
    }
}

/// What is refused is looked at all the same.
#[tokio::test]
async fn a_bare_url_is_noted_when_it_is_refused() {
    let (server, _) = dropped(Fault::Http404).await;
    assert!(connect_async(server.gateway_url()).await.is_err());
    assert_eq!(offences(&server), [Offence::BareUrl]);
}

#[tokio::test]
async fn the_resume_endpoint_is_dead_and_the_base_lives() {
    let (server, old) = dropped(Fault::ResumeEndpointDead).await;
    assert!(Peer::dial(server.resume_url()).await.is_err());
    let mut peer = Peer::dial(server.gateway_url()).await.unwrap();
    peer.hello().await;
    peer.resume(&old).await;
    peer.beat(Some(peer.seq)).await;
    assert_eq!(peer.skip().await, Seen::Frame(Frame::HeartbeatAck));
    peer.events(30).await;
    assert!(server.healthy().await);
    drop(peer);
    sleep(Duration::from_millis(50)).await;
    assert!(Peer::dial(server.resume_url()).await.is_ok(), "it is back when the client is");
}

/// The script ends with 4004; whoever dials again has not survived it.
#[tokio::test]
async fn the_fatal_end() {
    for again in [false, true] {
        let server = server().await;
        let mut peer = online(&server).await;
        peer.beat(Some(peer.seq)).await;
        let client = async {
            while peer.skip().await != Seen::Close(Some(4004)) {}
            drop(peer);
            if again {
                drop(Peer::dial(server.gateway_url()).await);
            }
        };
        let (played, ()) = tokio::join!(server.play(&[Fault::Fatal], drop), client);
        assert_eq!(played, Ok(()));
        assert_eq!(server.recorder().rows()[1].recovered, !again);
        assert_eq!(server.recorder().complaints().iter().any(|text| text.contains("not survived")), again);
    }
}

#[tokio::test]
async fn a_client_that_does_not_come_back_ends_the_script() {
    let server = server().await;
    assert_eq!(server.play(&[Fault::Drop], drop).await, Err(Stuck(None)));
    let mut peer = online(&server).await;
    peer.beat(Some(peer.seq)).await;
    let client = async { while peer.skip().await != Seen::End {} };
    let (played, ()) = tokio::join!(server.play(&[Fault::Drop], drop), client);
    assert_eq!(played, Err(Stuck(Some(Fault::Drop))));
    assert!(!server.recorder().rows()[1].recovered);
}

#[test]
fn the_script_has_every_fault_once_and_the_fatal_one_last() {
    for (index, fault) in Fault::SCRIPT.iter().enumerate() {
        assert_eq!(Fault::SCRIPT.iter().position(|other| other == fault), Some(index));
        assert_eq!(fault.expect() == Expect::Stop, index + 1 == Fault::SCRIPT.len());
        assert!(fault.name().len() <= 26 && !fault.description().is_empty());
    }
}
