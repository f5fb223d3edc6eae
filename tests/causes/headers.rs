//! What headers ask to wait for.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use redial::policy::RetryAfter;
use redial::{Cause, advise, causes};

/// In November 2026.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_870_000)
}

fn asked(status: u16, headers: &[(&'static str, &[u8])]) -> Option<RetryAfter> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    causes::retry_after(StatusCode::from_u16(status).unwrap(), &map, now())
}

fn after(values: &[&[u8]]) -> Option<Duration> {
    let headers: Vec<_> = values.iter().map(|value| ("retry-after", *value)).collect();
    asked(503, &headers).map(RetryAfter::duration)
}

#[test]
fn a_status_is_a_cause() {
    for status in [100, 101, 200, 302, 401, 429, 503, 599] {
        assert_eq!(Cause::from(StatusCode::from_u16(status).unwrap()), Cause::Http(status));
    }
}

#[test]
fn a_header_says_what_a_wait_means() {
    let said = |kinds: &[&'static str]| {
        let kinds = kinds.iter().map(|kind| ("retry-after-kind", kind.as_bytes()));
        asked(503, &[("retry-after", &b"7"[..])].into_iter().chain(kinds).collect::<Vec<_>>())
    };
    assert!(advise::KIND_HEADER.eq_ignore_ascii_case("retry-after-kind"));
    let wait = Duration::from_secs(7);
    assert_eq!(said(&[]), Some(RetryAfter::AtLeast(wait)));
    assert_eq!(said(&["appointment"]), Some(RetryAfter::Appointment(wait)));
    assert_eq!(said(&[" window "]), Some(RetryAfter::Window(wait)));
    assert_eq!(said(&["party"]), Some(RetryAfter::AtLeast(wait)));
    assert_eq!(said(&["window", "appointment"]), Some(RetryAfter::AtLeast(wait)));
    assert_eq!(asked(503, &[("retry-after-kind", b"window")]), None);
    assert_eq!(asked(503, &[]), None);
}

#[test]
fn retry_after_is_taken_clamped_or_ignored() {
    let longest = Some(Duration::from_secs(u64::MAX));
    for (value, wait) in [
        ("0", Some(Duration::ZERO)),
        ("7", Some(Duration::from_secs(7))),
        (" 007 ", Some(Duration::from_secs(7))),
        ("18446744073709551615", longest),
        ("18446744073709551616", longest),
        ("99999999999999999999999999999999999999999999", longest),
        ("1.5", Some(Duration::from_millis(1_500))),
        ("3.0", Some(Duration::from_secs(3))),
        ("0.000000001", Some(Duration::from_nanos(1))),
        ("0.0000000001", Some(Duration::from_nanos(1))),
        ("0.00000000100", Some(Duration::from_nanos(1))),
        ("0.9999999999", Some(Duration::from_secs(1))),
        ("18446744073709551615.1", Some(Duration::new(u64::MAX, 100_000_000))),
        ("18446744073709551615.9999999999", Some(Duration::MAX)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::ZERO)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(Duration::ZERO)),
        ("Sun Nov  6 08:49:37 1994", Some(Duration::ZERO)),
        ("7, 120", Some(Duration::from_secs(120))),
        ("soon, 3", Some(Duration::from_secs(3))),
        ("-1", None),
        ("-99999999999999999999999", None),
        ("+1", None),
        ("1e9", None),
        ("0x10", None),
        ("NaN", None),
        ("inf", None),
        ("1.", None),
        (".5", None),
        ("1.5.5", None),
        ("", None),
        (",", None),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 99 Nov 2094 08:49:37 GMT", None),
        ("\u{665}", None),
    ] {
        assert_eq!(after(&[value.as_bytes()]), wait, "{value}");
    }
    let date = httpdate::fmt_http_date(now() + Duration::from_secs(90));
    assert_eq!(after(&[date.as_bytes()]), Some(Duration::from_secs(90)));
    assert!(after(&[b"Fri, 31 Dec 9999 23:59:59 GMT"]) > Some(Duration::from_secs(7_000 * 365 * 86_400)));
    assert_eq!(after(&[b"\xff\xfe"]), None);
}

#[test]
fn of_several_headers_the_longest_counts() {
    let two_minutes = Some(Duration::from_secs(120));
    assert_eq!(after(&[]), None);
    assert_eq!(after(&[b"7", b"120"]), two_minutes);
    assert_eq!(after(&[b"120", b"soon", b"Sun, 06 Nov 1994 08:49:37 GMT"]), two_minutes);
    assert_eq!(after(&[b"soon", b"-5"]), None);
}

/// An answer as Discord documents it. The other headers of its kind say where in the limit a client is, and ask for nothing.
#[test]
fn a_rate_limit_says_when_it_is_lifted() {
    let limited = |status, retry_after: Option<&'static [u8]>, reset: &'static [u8]| {
        let mut headers = vec![
            ("x-ratelimit-limit", &b"10"[..]),
            ("x-ratelimit-remaining", b"0"),
            ("x-ratelimit-reset", b"1470173023.123"),
            ("x-ratelimit-reset-after", reset),
        ];
        headers.extend(retry_after.map(|value| ("retry-after", value)));
        asked(status, &headers)
    };
    let wait = |millis| Some(RetryAfter::AtLeast(Duration::from_millis(millis)));
    assert_eq!(limited(429, None, b"64.57"), wait(64_570));
    assert_eq!(limited(429, None, b"1"), wait(1_000));
    // It is of one limit, and the answer may be about another: what is meant for whoever is refused comes first.
    assert_eq!(limited(429, Some(b"65"), b"64.57"), wait(65_000));
    assert_eq!(limited(429, Some(b"7"), b"64.57"), wait(7_000));
    assert_eq!(limited(429, Some(b"soon"), b"64.57"), wait(64_570));
    assert_eq!(limited(429, None, b"soon"), None);
    // On any other answer it says that there is a limit, not that this one was over it.
    for status in [200, 401, 503] {
        assert_eq!(limited(status, None, b"64.57"), None);
    }
}
