//! Random bytes.

use super::*;

/// The checksum of the byte form, to forge one.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let crc = !body.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    body.extend(crc.to_le_bytes());
    body
}

/// A well-formed snapshot with anything in its fields.
fn forged() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![Just(0), Just(u64::MAX), 0..100_000_000_u64, any::<u64>()];
    let small = || prop_oneof![Just(0), Just(u32::MAX), 0..50_u32];
    let rare = || prop_oneof![Just(0), Just(u8::MAX), 0..4_u8];
    let numbers = prop::array::uniform9(number());
    let counts = (small(), small(), prop::array::uniform5(rare()));
    (0..2048_u16, numbers, counts, 0..7_u8, 0..7_u8).prop_map(|(flags, numbers, counts, ladder, floor)| {
        let [sequence, left, ttl, failing, dialled, lasted, trail, ladder_left, floor_left] = numbers;
        let (attempt, failures, [resumes, endpoints, rejections, limited, rate_limited]) = counts;
        // An endpoint only with a token.
        let flags = if flags & 1 == 0 { flags & !2 } else { flags };
        let mut body = vec![0xd1, 1];
        body.extend(KEY.to_le_bytes());
        body.extend(flags.to_le_bytes());
        [sequence, left].iter().for_each(|number| body.extend(number.to_le_bytes()));
        body.extend((ttl as u32).to_le_bytes());
        body.extend([resumes, endpoints]);
        [failing, dialled, lasted].iter().for_each(|number| body.extend(number.to_le_bytes()));
        body.extend(attempt.to_le_bytes());
        body.extend(failures.to_le_bytes());
        body.extend(trail.to_le_bytes());
        body.extend([rejections, limited, rate_limited]);
        // A cause with a number of its own, or none.
        body.extend([resumes % 3, 0, 0]);
        body.extend([endpoints, rejections]);
        body.extend(attempt.to_le_bytes());
        // The base that a server set.
        body.extend(failures.to_le_bytes());
        body.push(ladder);
        body.extend(ladder_left.to_le_bytes());
        body.push(floor);
        body.extend(floor_left.to_le_bytes());
        body.extend([1, 0, b't', 1, 0, b'e']);
        sealed(body)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Lifecycle 64: no bytes make it panic.
    #[test]
    fn any_bytes_are_a_snapshot_or_an_error(mut blob in prop::collection::vec(any::<u8>(), 0..300), key: u32) {
        prop_assert!(Snapshot::decode(&blob, key).is_err());
        for (byte, value) in [0xd1, 1].into_iter().chain(key.to_le_bytes()).enumerate() {
            if let Some(place) = blob.get_mut(byte) {
                *place = value;
            }
        }
        let blob = sealed(blob);
        if let Ok(snapshot) = Snapshot::decode(&blob, key) {
            prop_assert!(blob.len() <= SNAPSHOT_BYTES + 300);
            prop_assert!(snapshot.encode(key, &mut [0; 512]).is_ok());
        }
    }

    /// F72: bytes are read as what was written.
    #[test]
    fn what_is_read_is_what_was_written(blob in forged()) {
        let snapshot = read(&blob);
        let mut again = [0; 512];
        let length = snapshot.encode(KEY, &mut again).expect("room");
        prop_assert_eq!(read(&again[..length]), snapshot);
        // Behind a right checksum: a byte more, and an endpoint without a token.
        let body = &blob[..blob.len() - 4];
        let mut lone = body.to_vec();
        lone[6] = lone[6] & !1 | 2;
        for wrong in [[body, &[0]].concat(), lone] {
            prop_assert_eq!(Snapshot::decode(&sealed(wrong), KEY).err(), Some(SnapshotError::Corrupt));
        }
    }

    /// S93, lifecycle 64: whatever a snapshot says, the start dials within the config's own longest wait, and the waits
    /// after it are those of the config's backoff.
    #[test]
    fn no_snapshot_can_wedge_a_policy(blob in forged(), which in 0..5_usize, clock in prop_oneof![Just(0), any::<u64>()]) {
        let config = &JITTERS[which];
        let mut now = Instant::from_micros(clock.min(u64::MAX / 2));
        let mut policy: Subject = Policy::new(config, SplitMix64::new(clock)).with_session_type().with_snapshot(now, read(&blob));
        let mut actions = policy.handle_event(now, Event::Start);
        for _ in 0..8 {
            if policy.phase() == Phase::Parked {
                actions = policy.handle_event(now, Event::CredentialOk { request: None, ttl: None });
            }
            // The session's end may come first.
            let mut timers = 0;
            while policy.phase() == Phase::Waiting && timers < 3 {
                timers += 1;
                let due = policy.poll_timeout().expect("a deadline");
                // The longest wait of a server with its spread, and the host's own word.
                let not_now = policy.explain().waiting_for == Some(WaitReason::NotNow);
                let longest = if not_now { secs(86_400) } else { secs(600) };
                prop_assert!(due == Instant::MAX || due.saturating_duration_since(now) <= longest);
                if due == Instant::MAX {
                    return Ok(());
                }
                now = due;
                actions = policy.handle_timeout(now);
            }
            if policy.phase() == Phase::Parked {
                continue;
            }
            prop_assert_eq!(policy.phase(), Phase::Connecting);
            let dialled = opened(&actions.iter().collect::<Vec<_>>()).is_some();
            prop_assert!(dialled);
            let failed = Event::OpenFailed { epoch: epoch(&policy), cause: REFUSED, retry_after: None };
            let _wait = policy.handle_event(now, failed);
            if policy.phase() == Phase::Failed {
                return Ok(());
            }
            let wait = policy.poll_timeout().expect("a deadline").saturating_duration_since(now);
            prop_assert!(wait <= secs(30) || policy.poll_timeout() == Some(Instant::MAX));
        }
    }
}
