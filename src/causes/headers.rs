//! The answers of HTTP servers.

use core::time::Duration;
use std::time::SystemTime;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::advise;
use crate::classify::Cause;
use crate::policy::RetryAfter;

/// What Discord sends beside `Retry-After`, and others after it.
const RESET_AFTER: &str = "x-ratelimit-reset-after";

#[cfg_attr(redial_docsrs, doc(cfg(feature = "http")))]
impl From<StatusCode> for Cause {
    /// [`Cause::Http`] with the status.
    fn from(status: StatusCode) -> Self {
        Self::Http(status.as_u16())
    }
}

/// What an HTTP answer asks to wait for, before the client comes back; `None` where it does not ask.
///
/// | header | read as | where |
/// | --- | --- | --- |
/// | `Retry-After: 120` | seconds; some servers send a fraction, which counts | any status |
/// | `Retry-After: Sun, 06 Nov 1994 08:49:37 GMT` | the date, in any of the three forms of HTTP, less `now`; a date that is over means now | any status |
/// | `Retry-After-Kind: appointment` or `window` | what the wait means, see [`advise::KIND_HEADER`](crate::advise::KIND_HEADER); without it, with another word or with several: at least so long | with `Retry-After` |
/// | `X-RateLimit-Reset-After: 64.57` | seconds with a fraction until the limit is lifted: at least so long | 429 without a `Retry-After` that can be read |
///
/// Of several waits in one kind of header the longest counts, for each of those who wrote one asks for that long. More seconds than
/// a number holds are the longest wait there is, and a header that is none of this is ignored. The wait may be any
/// [`Duration`]; a policy bounds it by [`retry_after_max`](crate::Config::retry_after_max).
///
/// Not read: `X-RateLimit-Reset`, which is seconds from now at some services and a date at others, and the fields of the IETF's draft
/// on rate limits, whose syntax has changed between its versions.
///
/// Sources: [RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3), and Discord's
/// [documentation of rate limits](https://discord.com/developers/docs/topics/rate-limits).
///
/// ```
/// use core::time::Duration;
/// use std::time::SystemTime;
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use redial::causes;
/// use redial::policy::RetryAfter;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-ratelimit-reset-after", HeaderValue::from_static("0.25"));
/// let wait = causes::retry_after(StatusCode::TOO_MANY_REQUESTS, &headers, SystemTime::UNIX_EPOCH);
/// assert_eq!(wait, Some(RetryAfter::AtLeast(Duration::from_millis(250))));
/// ```
#[doc(alias = "Retry-After")]
#[must_use]
pub fn retry_after(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<RetryAfter> {
    let longest = |name: &str, read: &dyn Fn(&str) -> Option<Duration>| {
        let values = headers.get_all(name).into_iter();
        values.filter_map(|value| read(value.to_str().ok()?.trim())).max()
    };
    if let Some(wait) = longest(RETRY_AFTER.as_str(), &|text| date(text, now).or_else(|| waits(text))) {
        return Some(meant(headers, wait));
    }
    let limited = status == StatusCode::TOO_MANY_REQUESTS;
    limited.then(|| longest(RESET_AFTER, &waits)).flatten().map(RetryAfter::AtLeast)
}

/// The wait as the server means it.
fn meant(headers: &HeaderMap, wait: Duration) -> RetryAfter {
    let mut kinds = headers.get_all(advise::KIND_HEADER).into_iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).filter(|_| kinds.next().is_none());
    match kind.map(str::trim) {
        Some(advise::APPOINTMENT) => RetryAfter::Appointment(wait),
        Some(advise::WINDOW) => RetryAfter::Window(wait),
        _ => RetryAfter::AtLeast(wait),
    }
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default())
}

/// Seconds; a proxy may have joined two headers into one.
fn waits(text: &str) -> Option<Duration> {
    text.split(',').filter_map(|part| seconds(part.trim())).max()
}

/// Decimal digits with a fraction or without; of the fraction what a [`Duration`] holds, rounded up.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let (mut nanos, mut unit, mut below) = (0_u64, 100_000_000_u64, 0);
    for digit in fraction.bytes().map(|byte| u64::from(byte.saturating_sub(b'0'))) {
        nanos = nanos.saturating_add(digit.saturating_mul(unit));
        below = if unit == 0 { digit.max(below) } else { 0 };
        unit /= 10;
    }
    let nanos = nanos.saturating_add(u64::from(below > 0));
    Some(Duration::from_secs(whole.parse().unwrap_or(u64::MAX)).saturating_add(Duration::from_nanos(nanos)))
}
