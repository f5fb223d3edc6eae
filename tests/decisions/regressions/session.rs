//! Sessions that are resumed when they are gone, or lost when they are there.

use redial::policy::{DropReason, Endpoint, ResumeConfig, WaitReason};
use redial::{Cause, Config, Event, Mode, Phase};

use crate::harness::*;

/// From a dial that is due until the greeting; what is sent.
fn greeted(rig: &mut Harness) -> Vec<redial::Action> {
    rig.redial();
    let mut actions = rig.opened();
    actions.extend(rig.greet(Some(secs(45))));
    actions
}

/// Every connection ends before the resume is granted: how many resumes are sent before a fresh start.
fn resumes_until_fresh(config: Config, cause: Cause) -> usize {
    let mut rig = Harness::online(config);
    rig.lose();
    let mut resumes = 0;
    while sent_resume(&greeted(&mut rig)) {
        resumes += 1;
        assert!(resumes < 100, "it never leaves the resume");
        rig.close(cause);
    }
    resumes
}

/// buape/carbon#350: a stale session was resumed forever after 1005 and 1006.
#[test]
fn carbon_350() {
    assert_eq!(resumes_until_fresh(GATEWAY, Cause::CloseFrame(1005)), 3);
    assert_eq!(resumes_until_fresh(GATEWAY, Cause::CloseFrame(1006)), 3);
}

/// openclaw/openclaw#13061: 38,564 failed resumes in a day, a second apart.
#[test]
fn openclaw_13061() {
    assert_eq!(resumes_until_fresh(GATEWAY, Cause::NoCloseFrame), 3);
}

/// openclaw/openclaw#14331: a resume loop that only a restart ended.
#[test]
fn openclaw_14331() {
    assert_eq!(resumes_until_fresh(GATEWAY, RESET), 3);
}

/// discordeno/discordeno#3907: closed while resuming it resumed again and again; one try is enough for some.
#[test]
fn discordeno_3907() {
    let once = GATEWAY.to_builder().resume(ResumeConfig::new().failures_max(1).build_const()).build_const();
    assert_eq!(resumes_until_fresh(once, Cause::CloseFrame(4000)), 1);
}

/// catnip#31: an expired session was resumed without an end.
#[test]
fn catnip_31() {
    assert_eq!(resumes_until_fresh(GATEWAY, Cause::CloseFrame(4009)), 1);
}

/// openclaw/openclaw#54697: a forced fresh start was none, for the cached session survived it.
#[test]
fn openclaw_54697() {
    let mut rig = Harness::online(GATEWAY);
    rig.stop(false);
    assert_eq!(open(&rig.start()), Some((Mode::Fresh, Endpoint::Base, 1)));
}

/// buape/carbon#264 as merged: after a plain drop neither resume nor identify was sent, and it hung.
#[test]
fn carbon_264_hang() {
    let mut rig = Harness::online(GATEWAY);
    rig.code(1006);
    assert!(sent_resume(&greeted(&mut rig)));
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.code(1006);
    assert!(sent_fresh(&greeted(&mut rig)), "no session yet");
}

/// buape/carbon a93104f: sequence 0 counted as no sequence.
#[test]
fn carbon_a93104f() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), None, Some(0));
    rig.lose();
    assert!(sent_resume(&greeted(&mut rig)));
}

/// nyxx#592: it closed with 1000 for a reconnect and with 1001 after a ping timeout; both end the session.
#[test]
fn nyxx_592() {
    assert!(keeps_session(&Harness::online(GATEWAY).reconnect_requested()));
    assert!(keeps_session(&Harness::online(GATEWAY).advance(secs(90))));
}

/// discord/discord-api-docs#1472: a session that the client itself had ended with its close code was searched for
/// as a fault of the server.
#[test]
fn discord_api_docs_1472() {
    assert!(keeps_session(&Harness::online(GATEWAY).invalid(true)));
}

/// discord/discord-api-docs#7571: three weeks of failing resumes, for the closes carried 1000.
#[test]
fn discord_api_docs_7571() {
    assert!(keeps_session(&Harness::online(GATEWAY).stop(true)));
    assert_eq!(closed(&Harness::online(GATEWAY).stop(false)), Some(Some(1000)));
}

/// buape/carbon 0.16.0: on sockets that can only close, a reconnect request closed with 1000.
#[test]
fn carbon_0_16_close_code() {
    let actions = Harness::online(GATEWAY).reconnect_requested();
    assert_eq!(closed(&actions), Some(Some(4000)), "one that browsers can send");
}

/// buape/carbon 0.16.0: after a disconnect with 1000 it resumed the session that this had ended.
#[test]
fn carbon_0_16_dead_session() {
    let mut rig = Harness::online(GATEWAY);
    assert_eq!(dropped(&rig.stop(false)), Some(DropReason::Stop));
    rig.start();
    rig.opened();
    assert!(sent_fresh(&rig.greet(Some(secs(45)))));
}

/// bwmarrin/discordgo: dead connections were closed with 1000, so no session survived one.
#[test]
fn discordgo_zombie_close() {
    let mut rig = Harness::online(GATEWAY);
    assert!(keeps_session(&rig.advance(secs(90))));
    assert!(sent_resume(&greeted(&mut rig)));
}

/// twilight-rs/twilight#1942: a resume address that was dead was dialled forever.
#[test]
fn twilight_1942() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://dead"), Some(1));
    rig.lose();
    rig.redial();
    rig.fail(REFUSED);
    assert_eq!(open(&rig.advance(secs(2))), Some((Mode::Resume, Endpoint::Base, 2)));
}

/// tatsuworks/gateway#87: 41 shards hung on a dead resume host; a count of failures alone would have thrown away
/// sessions in a short blip.
#[test]
fn tatsu_gateway_87() {
    let config = GATEWAY
        .to_builder()
        .resume(ResumeConfig::new().endpoint_fallback(3, secs(180)).build_const())
        .build_const();
    let mut rig = Harness::started(config);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some("wss://dead"), Some(1));
    rig.lose();
    let mut dials = Vec::new();
    for _ in 0..15 {
        dials.push(open(&rig.advance(rig.waits())).expect("a dial").1);
        rig.fail(REFUSED);
    }
    assert!(dials[..5].iter().all(|endpoint| *endpoint == Endpoint::Session), "a blip of seven seconds");
    assert_eq!(dials.last(), Some(&Endpoint::Base));
    assert_eq!(rig.policy.session().token(), Some(&"token"));
}

/// twilight-rs/twilight#1973: the resume was sent before the greeting.
#[test]
fn twilight_1973() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    rig.redial();
    assert!(rig.opened().is_empty());
}

/// serenity-rs/serenity#1255: a failed resume was ignored, and the shard died later.
#[test]
fn serenity_1255() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    greeted(&mut rig);
    assert_eq!(dropped(&rig.invalid(false)), Some(DropReason::Invalid));
    assert!(sent_fresh(&greeted(&mut rig)));
}

/// discordjs/discord.js#9548: the first dial of a process with a stored session waited for "ready" alone, and
/// "resumed" never counted.
#[test]
fn discord_js_9548() {
    let mut rig = Harness::online(GATEWAY);
    rig.stop(true);
    let mut next = Harness::importing(GATEWAY, rig.policy.session().clone());
    next.start();
    next.opened();
    next.greet(Some(secs(45)));
    next.resumed();
    assert_eq!(next.phase(), Phase::Online);
}

/// bwmarrin/discordgo#1502: a session could not be carried to another process.
#[test]
fn discordgo_1502() {
    let mut rig = Harness::online(GATEWAY);
    rig.sequence(9);
    let session = rig.policy.session().clone();
    assert_eq!((session.token(), session.sequence()), (Some(&"token"), Some(9)));
}

/// folio-pro/kdashboard#59: after "gone" the same position was sent again and again.
#[test]
fn kdashboard_59() {
    let mut rig = Harness::online(GATEWAY);
    rig.sequence(70);
    rig.lose();
    greeted(&mut rig);
    rig.invalid(false);
    assert_eq!(rig.policy.session().sequence(), None);
}

/// headlamp#7337: a rejected cursor survived the answer that rejected it.
#[test]
fn headlamp_7337() {
    let mut rig = Harness::online(GATEWAY);
    rig.sequence(70);
    assert_eq!(dropped(&rig.code(4007)), Some(DropReason::Gone));
    assert!(sent_fresh(&greeted(&mut rig)));
    rig.ready_as(Some("new"), None, Some(1));
    assert_eq!(rig.policy.session().sequence(), Some(1));
}

/// OctoPrint-DiscordRemote#10: closed 55 s after every start: a thousand fresh starts in fifteen hours, and the
/// token was reset.
#[test]
fn octoprint_discordremote_10() {
    let mut rig = Harness::started(redial::presets::DISCORD_GATEWAY);
    let end = rig.now.saturating_add(secs(86_400));
    let mut fresh = 0;
    while rig.now < end {
        rig.acks = true;
        rig.opened();
        fresh += u32::from(sent_fresh(&rig.greet(Some(secs(45)))));
        rig.ready();
        rig.advance(secs(55));
        rig.code(4009);
        rig.redial();
    }
    assert!(fresh < 500, "{fresh} in a day");
}

/// openclaw/openclaw#608: an open socket without a greeting waited forever.
#[test]
fn openclaw_608() {
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    assert_eq!(rig.due(), Some((secs(30), WaitReason::GreetingTimeout)));
}

/// discordjs/discord.js#8486: nothing bounded the wait for the answer to a resume.
#[test]
fn discord_js_8486() {
    let mut rig = Harness::online(GATEWAY.to_builder().ready_timeout(Some(secs(15))).build_const());
    rig.lose();
    greeted(&mut rig);
    assert_eq!(rig.due(), Some((secs(15), WaitReason::ReadyTimeout)));
    rig.advance(secs(15));
    assert_eq!(rig.phase(), Phase::Waiting);
}

/// hapijs/nes#133: a server that accepts and says nothing held the client for good.
#[test]
fn nes_133() {
    let mut rig = Harness::started(PLAIN);
    rig.opened();
    assert_eq!(rig.due(), Some((secs(10), WaitReason::ReadyTimeout)), "without a heartbeat too");
}

/// disgord#390: a dial that never ended blocked the shard.
#[test]
fn disgord_390() {
    let mut rig = Harness::started(GATEWAY);
    rig.advance(secs(10));
    assert_eq!(rig.told().last_cause, Some(Cause::ConnectTimeout));
}

/// twilight-rs/twilight#2435: on a dead connection it waited for the answer to its close and died silently.
#[test]
fn twilight_2435() {
    let mut rig = Harness::online(GATEWAY);
    let old = rig.epoch();
    rig.advance(secs(90));
    assert_eq!(rig.phase(), Phase::Waiting);
    rig.redial();
    assert!(rig.event(Event::Closed { epoch: old, cause: Cause::CloseFrame(4000) }).is_empty());
}

/// discordjs/discord.js#10174: the same wait for a close event that never came.
#[test]
fn discord_js_10174() {
    let mut rig = Harness::online(GATEWAY);
    rig.reconnect_requested();
    assert_eq!(rig.recover(), secs(1));
}

/// twilight-rs/twilight#1901: the query parameters were missing from the session's own address from the second
/// connection on, so that every resume failed and a fresh start followed.
#[test]
fn twilight_1901() {
    const ADDRESS: &str = "wss://resume.example/?v=10&encoding=json&compress=zlib-stream";
    let mut rig = Harness::started(GATEWAY);
    rig.opened();
    rig.greet(Some(secs(45)));
    rig.ready_as(Some("token"), Some(ADDRESS), Some(1));
    for _ in 0..5 {
        rig.lose();
        assert_eq!(open(&rig.advance(secs(1))), Some((Mode::Resume, Endpoint::Session, 1)));
        assert_eq!(rig.policy.session().endpoint(), Some(&ADDRESS));
        rig.establish();
    }
    rig.lose();
    let snapshot = rig.policy.snapshot(rig.now).expect("a session");
    let mut next = Harness::new(GATEWAY);
    next.policy = checked(next.policy.into_inner().with_snapshot(next.now, snapshot));
    next.start();
    assert_eq!(open(&next.advance(secs(1))), Some((Mode::Resume, Endpoint::Session, 1)));
    assert_eq!(next.policy.session().endpoint(), Some(&ADDRESS), "in the next process, too");
    assert_eq!((rig.policy.stats().resumed, rig.policy.stats().fresh), (5, 1));
}

/// twilight-rs/twilight#2380: a connection whose TCP side had died was never done with closing, and the shard stood
/// still.
#[test]
fn twilight_2380() {
    let mut rig = Harness::online(GATEWAY);
    for dead in 1..=5 {
        let silent = rig.advance(secs(90));
        assert_eq!((beats(&silent), closed(&silent)), (1, Some(Some(4000))), "closed, and not waited for");
        assert_eq!((rig.policy.stats().zombies, rig.recover()), (dead, secs(1)));
    }
    assert_eq!((rig.opens(), rig.policy.stats().resumed), (6, 5));
}

/// discordjs/discord.js#7450: after close code 4009 the socket stayed in "closing" and nothing reconnected.
#[test]
fn discord_js_7450() {
    let mut rig = Harness::online(GATEWAY);
    let old = rig.epoch();
    assert_eq!(dropped(&rig.code(4009)), Some(DropReason::Gone));
    assert_eq!(rig.due(), Some((secs(1), WaitReason::Backoff)));
    assert!(sent_fresh(&greeted(&mut rig)));
    assert!(rig.event(Event::Closed { epoch: old, cause: RESET }).is_empty(), "at last, and too late");
    rig.ready();
    assert_eq!(rig.phase(), Phase::Online);
}

/// discordjs/discord.js#8759: an identify or a resume that was never answered held the shard for good.
#[test]
fn discord_js_8759() {
    let mut rig = Harness::started(GATEWAY.to_builder().ready_timeout(Some(secs(15))).build_const());
    let unanswered = |rig: &mut Harness| {
        assert_eq!(closed(&rig.advance(ms(14_999))), None);
        assert_eq!(closed(&rig.advance(ms(1))), Some(Some(4000)));
        assert_eq!(rig.told().last_cause, Some(Cause::ReadyTimeout));
    };
    rig.opened();
    assert!(sent_fresh(&rig.greet(Some(secs(45)))));
    for _ in 0..3 {
        unanswered(&mut rig);
        assert!(sent_fresh(&greeted(&mut rig)));
    }
    rig.ready();
    rig.lose();
    for _ in 0..3 {
        assert!(sent_resume(&greeted(&mut rig)));
        unanswered(&mut rig);
    }
    assert!(sent_fresh(&greeted(&mut rig)), "a session that answers nothing is given up");
}

/// openclaw/openclaw#595: an open socket that was never greeted looked connected: no heartbeat began, no event came,
/// and nothing ended it.
#[test]
fn openclaw_595() {
    let mut rig = Harness::online(GATEWAY);
    rig.lose();
    for wait in [1, 2, 4, 8, 16] {
        assert_eq!(rig.redial(), secs(wait));
        rig.opened();
        assert_eq!(rig.phase(), Phase::Establishing, "which is not connected");
        assert_eq!(closed(&rig.advance(secs(30))), Some(Some(4000)));
        assert_eq!(rig.told().last_cause, Some(Cause::GreetingTimeout));
    }
    assert!(sent_resume(&greeted(&mut rig)), "a silent server has not refused the session");
}

/// buape/carbon#364: only two close codes ended a session, so that fifty allowed attempts were fifty resumes of one that
/// was gone.
#[test]
fn carbon_364() {
    let mut rig = Harness::online(GATEWAY.to_builder().max_attempts(Some(50)).build_const());
    rig.lose();
    let attempts: Vec<_> = (0..5)
        .map(|_| {
            let wait = rig.waits();
            let resumes = sent_resume(&greeted(&mut rig));
            rig.code(1005);
            (wait, resumes)
        })
        .collect();
    assert_eq!(
        attempts,
        [(secs(1), true), (secs(2), true), (secs(4), true), (secs(8), false), (secs(16), false)]
    );
}
