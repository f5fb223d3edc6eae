//! Bytes that are refused, and bytes that come back as they were.

use super::*;

/// S56: a foreign blob (another tenant, another shard) is refused, and the fresh start works.
#[test]
fn s56_a_foreign_snapshot_is_ignored() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let blob = bytes(&policy, 0).expect("a session");
    assert_eq!(Snapshot::decode(&blob, KEY + 1), Err(SnapshotError::WrongKey));
    let mut fresh = new(&BASE);
    assert_eq!(opened(&start(&mut fresh, 0)), Some((Mode::Fresh, Endpoint::Base, 1)));
}

/// Lifecycle 64: every malformed blob is told by its kind, and none panics.
#[test]
fn l64_malformed_bytes_are_typed_errors() {
    let mut policy = new(&STABLE);
    start(&mut policy, 0);
    establish(&mut policy, 0, Some(secs(60)));
    let blob = bytes(&policy, 10).expect("a session");
    assert_eq!(blob.len(), SNAPSHOT_BYTES + "token".len() + "wss://resume".len());
    let error = |blob: &[u8]| Snapshot::decode(blob, KEY).expect_err("malformed");
    assert_eq!(error(&[]), SnapshotError::TooSmall);
    assert_eq!(error(&[0; 1000]), SnapshotError::NotASnapshot);
    for length in 0..blob.len() {
        let expected = if length < SNAPSHOT_BYTES { SnapshotError::TooSmall } else { SnapshotError::Corrupt };
        assert_eq!(error(&blob[..length]), expected, "cut to {length}");
    }
    assert_eq!(error(&[&blob[..], &[0]].concat()), SnapshotError::Corrupt, "one byte more");
    for bit in 0..blob.len() * 8 {
        let mut altered = blob.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => SnapshotError::NotASnapshot,
            1 => SnapshotError::Version(altered[1]),
            _ => SnapshotError::Corrupt,
        };
        assert_eq!(error(&altered), expected, "bit {bit}");
    }
    let mut small = vec![0; blob.len() - 1];
    assert_eq!(policy.snapshot(ms(10)).unwrap().encode(KEY, &mut small), Err(SnapshotError::Full));
    assert_eq!(SnapshotError::Version(9).to_string(), "a snapshot of the unknown version 9");
}

/// A token that does not fit in the length field is an error, not a shorter token.
#[test]
fn an_oversized_token_does_not_fit() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let mut out = vec![0; 100_000];
    for (length, fits) in [(65_535, true), (65_536, false)] {
        let token = |text: String| Ok::<_, ()>(if text == "token" { "x".repeat(length) } else { text });
        let snapshot = policy.snapshot(ms(0)).unwrap().try_map(token).unwrap();
        assert_eq!(snapshot.encode(KEY, &mut out).is_ok(), fits);
    }
}

/// A snapshot of what was imported and not started yet is the same one; a started policy takes none.
#[test]
fn import_and_export_are_inverse() {
    for config in &JITTERS {
        let mut policy = new(config);
        start(&mut policy, 0);
        for dials in 0..10 {
            if dials > 0 && policy.phase() == Phase::Waiting {
                next(&mut policy);
            }
            if policy.phase() == Phase::Connecting {
                let at = policy.explain().since.as_millis();
                refuse(&mut policy, at);
            }
            let now = policy.explain().since;
            let Some(snapshot) = policy.snapshot(now) else { break };
            let again = new(config).with_snapshot(ms(900_000), snapshot.clone());
            assert_eq!(again.snapshot(ms(900_000)), Some(snapshot), "{dials} {config:?}");
        }
    }
    let running = climbing(&BASE);
    let snapshot = running.snapshot(ms(3_500)).expect("an outage");
    assert!(running.clone().with_snapshot(ms(3_500), snapshot) == running);
}

/// F110.
#[test]
fn debug_output_has_no_secret() {
    let mut policy = new(&BASE);
    start(&mut policy, 0);
    establish(&mut policy, 0, None);
    let text = format!("{:?}", policy.snapshot(ms(0)).expect("a session"));
    assert!(!text.contains("\"token\"") && !text.contains("wss:"), "{text}");
}

/// F72: the same through serde.
#[cfg(feature = "serde")]
#[test]
fn f72_any_serde_format_will_do() {
    let mut policy = climbing(&STABLE);
    next(&mut policy);
    establish(&mut policy, 7_000, Some(secs(60)));
    let snapshot = policy.snapshot(ms(8_000)).expect("both");
    let text = serde_json::to_string(&snapshot).expect("plain data");
    assert_eq!(serde_json::from_str::<Snapshot<String>>(&text).expect("the same"), snapshot);
    assert!(serde_json::from_str::<Snapshot<String>>("{\"session\": 3}").is_err());
}
