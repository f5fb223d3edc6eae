//! `defmt` on the host: a logger that keeps the frames. The formats themselves are known to the host's decoder alone, so that what
//! shows here is that each change is a frame, and what its arguments are.

use std::cell::{Cell, RefCell};

use redial::telemetry::Defmt;

use super::*;

thread_local! {
    static FRAMES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static IN_FRAME: Cell<bool> = const { Cell::new(false) };
}

#[defmt::global_logger]
struct Frames;

// SAFETY: a frame is of one thread, and no frame begins in another.
unsafe impl defmt::Logger for Frames {
    fn acquire() {
        assert!(!IN_FRAME.replace(true));
        FRAMES.with_borrow_mut(|frames| frames.push(Vec::new()));
    }

    unsafe fn flush() {}

    unsafe fn release() {
        assert!(IN_FRAME.replace(false));
    }

    unsafe fn write(bytes: &[u8]) {
        FRAMES.with_borrow_mut(|frames| frames.last_mut().expect("acquired").extend_from_slice(bytes));
    }
}

defmt::timestamp!("{=u64:us}", 0);

fn frames(run: impl FnOnce()) -> Vec<Vec<u8>> {
    FRAMES.take();
    run();
    FRAMES.take()
}

fn has(frame: &[u8], part: &[u8]) -> bool {
    frame.windows(part.len()).any(|window| window == part)
}

/// The build leaves in what `DEFMT_LOG` says, and errors by default. Giving up is one.
#[test]
fn a_change_is_a_frame_with_its_arguments() {
    let frames = frames(|| {
        let mut policy = Observed::new(subject(config(), 7), Defmt::new("uplink"));
        let _open = policy.handle_event(at(0), Event::Start);
        let cause = Cause::AuthDenied;
        let _gave_up =
            policy.handle_event(at(1), Event::OpenFailed { epoch: epoch(1), cause, retry_after: None });
    });
    let [.., frame] = &frames[..] else { panic!("no frame") };
    assert!(has(frame, b"uplink") && has(frame, b"auth_denied"), "{frame:?}");
}

#[test]
fn the_plain_types_can_be_formatted() {
    let frame = |run: &dyn Fn()| frames(run).concat();
    assert!(has(&frame(&|| defmt::error!("{}", Cause::CloseFrame(0x1234))), &[0x34, 0x12]));
    assert!(has(&frame(&|| defmt::error!("{}", epoch(0x0102_0304))), &[4, 3, 2, 1]));
    assert!(has(&frame(&|| defmt::error!("{}", Instant::from_micros(0x05_0607))), &[7, 6, 5, 0]));
    let mut policy = subject(config(), 7);
    let actions = policy.handle_event(at(0), Event::Start);
    let phase = frame(&|| defmt::error!("{}", policy.phase())).len();
    let explained = frame(&|| defmt::error!("{}", policy.explain())).len();
    let acted = frame(&|| defmt::error!("{}", actions)).len();
    assert!(phase > 3 && explained > phase && acted > 3, "{phase} {explained} {acted}");
}
