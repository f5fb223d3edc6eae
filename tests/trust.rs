//! Where a session token may be sent: a table of pairs for each policy, attacks among them.

use redial::driver::Distrust::{
    self, Base, Character, Host, NotListed, OtherDomain, OtherHost, Port, Scheme, UserName,
};
use redial::driver::{EndpointGuard, EndpointTrust, TrustedHost};

const DISCORD: &str = "wss://gateway.discord.gg";

fn judge(trust: EndpointTrust<'_>, base: &str, endpoint: &str) -> Result<(), Distrust> {
    trust.judge(base, endpoint).map_err(|untrusted| untrusted.reason)
}

/// What another host of the same registrable domain is: trusted where the list of suffixes is there.
const SIBLING: Result<(), Distrust> = if cfg!(feature = "public-suffix") { Ok(()) } else { Err(OtherHost) };
/// What a host outside the registrable domain is.
const STRANGER: Result<(), Distrust> =
    Err(if cfg!(feature = "public-suffix") { OtherDomain } else { OtherHost });

/// Base, endpoint, and what the default says. [`EndpointTrust::SameHost`] says the same, but for siblings and strangers.
const PAIRS: &[(&str, &str, Result<(), Distrust>)] = &[
    // The same host, whatever else differs.
    (DISCORD, "wss://gateway.discord.gg", Ok(())),
    (DISCORD, "wss://gateway.discord.gg/", Ok(())),
    (DISCORD, "wss://gateway.discord.gg/?v=10&encoding=json", Ok(())),
    (DISCORD, "wss://gateway.discord.gg?v=10", Ok(())),
    (DISCORD, "wss://gateway.discord.gg:443/", Ok(())),
    (DISCORD, "wss://gateway.discord.gg:65535", Ok(())),
    (DISCORD, "WSS://GateWay.DISCORD.gg", Ok(())),
    (DISCORD, "wss://gateway.discord.gg.", Ok(())),
    ("wss://gateway.discord.gg.", DISCORD, Ok(())),
    ("wss://GATEWAY.discord.gg:8443/x", DISCORD, Ok(())),
    ("wss://user:pass@word@gateway.discord.gg/", DISCORD, Ok(())),
    (DISCORD, "wss://gateway.discord.gg/@evil.example", Ok(())),
    (DISCORD, "wss://gateway.discord.gg/path%2Fwith%20more", Ok(())),
    ("ws://127.0.0.1:4000", "ws://127.0.0.1:4001", Ok(())),
    ("ws://localhost:4000", "ws://localhost:4001/resume", Ok(())),
    ("ws://[::1]:4000", "ws://[0:0:0:0:0:0:0:1]:4001", Ok(())),
    ("feed.example:4000", "feed.example:4001", Ok(())),
    ("feed.example", "FEED.example.:4001", Ok(())),
    // Siblings: Discord's resume hosts, domains below others, and above them.
    (DISCORD, "wss://gateway-us-east1-b.discord.gg", SIBLING),
    (DISCORD, "wss://gateway-us-east1-b.discord.gg:443/?v=10", SIBLING),
    (DISCORD, "wss://discord.gg", SIBLING),
    ("wss://discord.gg", DISCORD, SIBLING),
    ("ws://a.b.c.example.com", "ws://x.y.example.com", SIBLING),
    ("wss://one.service.co.uk", "wss://two.service.co.uk", SIBLING),
    ("wss://a.me.github.io", "wss://b.me.github.io", SIBLING),
    ("wss://a.xn--bcher-kva.com", "wss://b.xn--bcher-kva.com", SIBLING),
    ("wss://a.x.xn--55qx5d.cn", "wss://b.x.xn--55qx5d.cn", SIBLING),
    ("wss://a.x.xn--fiqs8s", "wss://b.x.xn--fiqs8s", SIBLING),
    ("wss://a.x.city.kawasaki.jp", "wss://b.x.city.kawasaki.jp", SIBLING),
    // Strangers: other domains, and suffixes under which anybody registers.
    (DISCORD, "wss://evil.example", STRANGER),
    (DISCORD, "wss://discord.gg.evil.com", STRANGER),
    (DISCORD, "wss://gateway.discord.gg.evil.com", STRANGER),
    (DISCORD, "wss://evildiscord.gg", STRANGER),
    (DISCORD, "wss://gateway-discord.gg", STRANGER),
    (DISCORD, "wss://discord.com", STRANGER),
    (DISCORD, "wss://gg", STRANGER),
    (DISCORD, "wss://evil.com/gateway.discord.gg", STRANGER),
    (DISCORD, "wss://evil.com?gateway.discord.gg", STRANGER),
    (DISCORD, "wss://evil.com:443/://gateway.discord.gg", STRANGER),
    (DISCORD, "wss://xn--dscord-r9a.gg", STRANGER),
    ("wss://one.co.uk", "wss://two.co.uk", STRANGER),
    ("wss://co.uk", "wss://two.co.uk", STRANGER),
    ("wss://me.github.io", "wss://you.github.io", STRANGER),
    ("wss://me.github.io", "wss://github.io", STRANGER),
    ("wss://a.one.kawasaki.jp", "wss://b.two.kawasaki.jp", STRANGER),
    ("wss://one.xn--55qx5d.cn", "wss://two.xn--55qx5d.cn", STRANGER),
    ("wss://one.xn--fiqs8s", "wss://two.xn--fiqs8s", STRANGER),
    ("wss://a.discord.gg", "wss://a.xn--discord-x.gg", STRANGER),
    // A name without a dot, an address, and a domain that the list does not know: the same host.
    ("ws://localhost", "ws://evil", STRANGER),
    ("ws://localhost", "ws://a.localhost", STRANGER),
    ("ws://a.service.internal", "ws://b.service.internal", STRANGER),
    ("ws://a.cluster.local", "ws://b.cluster.local", STRANGER),
    ("ws://127.0.0.1", "ws://127.0.0.2", STRANGER),
    ("ws://10.0.0.1", "ws://11.0.0.1", STRANGER),
    ("ws://localhost", "ws://127.0.0.1", STRANGER),
    ("ws://127.0.0.1", "ws://[::ffff:127.0.0.1]", STRANGER),
    ("ws://[fe80::1]", "ws://[fe80::2]", STRANGER),
    ("ws://[::1]", "ws://localhost", STRANGER),
    // Schemes.
    ("ws://gateway.discord.gg", DISCORD, Ok(())),
    ("http://a.example.com", "https://a.example.com", Ok(())),
    ("tcp://a.example.com:1", "tls://a.example.com:2", Ok(())),
    ("mqtt://a.example.com", "mqtts://a.example.com", Ok(())),
    ("https://a.example.com", "wss://a.example.com", Ok(())),
    ("own+x://a.example.com", "OWN+x://a.example.com", Ok(())),
    (DISCORD, "ws://gateway.discord.gg", Err(Scheme)),
    (DISCORD, "http://gateway.discord.gg", Err(Scheme)),
    ("https://a.example.com", "http://a.example.com", Err(Scheme)),
    ("ws://a.example.com", "http://a.example.com", Err(Scheme)),
    (DISCORD, "file://gateway.discord.gg/etc/passwd", Err(Scheme)),
    ("own://a.example.com", "wss://a.example.com", Err(Scheme)),
    (DISCORD, "gateway.discord.gg", Err(Scheme)),
    (DISCORD, "gateway.discord.gg:443/?to=wss://gateway.discord.gg", Err(Scheme)),
    ("feed.example:4000", "ws://feed.example:4000", Err(Scheme)),
    (DISCORD, "1ws://gateway.discord.gg", Err(Scheme)),
    (DISCORD, "://gateway.discord.gg", Err(Scheme)),
    // User names, in front of and behind everything that ends a host.
    (DISCORD, "wss://gateway.discord.gg@evil.com", Err(UserName)),
    (DISCORD, "wss://gateway.discord.gg:443@evil.com/", Err(UserName)),
    (DISCORD, "wss://evil.com@gateway.discord.gg", Err(UserName)),
    (DISCORD, "wss://gateway.discord.gg?@evil.com", Err(UserName)),
    (DISCORD, "wss://@gateway.discord.gg", Err(UserName)),
    // What programs read differently.
    (DISCORD, "wss://gateway.discord.gg\\@evil.com", Err(Character)),
    (DISCORD, "wss://evil.com\\.discord.gg", Err(Character)),
    (DISCORD, "wss:\\\\gateway.discord.gg", Err(Character)),
    (DISCORD, "wss://evil.com#.discord.gg", Err(Character)),
    (DISCORD, "wss://gateway.discord.gg#@evil.com", Err(Character)),
    (DISCORD, " wss://gateway.discord.gg", Err(Character)),
    (DISCORD, "wss://gateway.discord.gg\r\nHost: evil.com", Err(Character)),
    (DISCORD, "wss://gateway\t.discord.gg", Err(Character)),
    (DISCORD, "wss://gateway.discord.gg\0.evil.com", Err(Character)),
    (DISCORD, "wss://gateway.d\u{131}scord.gg", Err(Character)),
    (DISCORD, "wss://gateway\u{3002}discord\u{3002}gg", Err(Character)),
    (DISCORD, "wss://evil.com\u{2044}.discord.gg", Err(Character)),
    (DISCORD, "wss://gateway%2ediscord.gg", Err(Host)),
    (DISCORD, "wss://evil.com%2f.discord.gg", Err(Host)),
    (DISCORD, "wss://evil.com;.discord.gg", Err(Host)),
    (DISCORD, "wss://evil.com,gateway.discord.gg", Err(Host)),
    (DISCORD, "wss://*.discord.gg", Err(Host)),
    (DISCORD, "wss://-x.discord.gg", Err(Host)),
    (DISCORD, "wss://xn--discord-.gg", Err(Host)),
    (DISCORD, "wss://gateway..discord.gg", Err(Host)),
    (DISCORD, "wss://.discord.gg", Err(Host)),
    (DISCORD, "wss://gateway.discord.gg..", Err(Host)),
    (DISCORD, "wss://.", Err(Host)),
    (DISCORD, "wss://", Err(Host)),
    (DISCORD, "wss:///gateway.discord.gg", Err(Host)),
    (DISCORD, "wss://:443", Err(Host)),
    (DISCORD, "wss://?gateway.discord.gg", Err(Host)),
    ("feed.example", "", Err(Host)),
    ("feed.example", "//feed.example", Err(Host)),
    ("feed.example", "/resume", Err(Host)),
    ("ws://127.0.0.1", "ws://2130706433", Err(Host)),
    ("ws://127.0.0.1", "ws://127.1", Err(Host)),
    ("ws://127.0.0.1", "ws://0x7f.0.0.1", Err(Host)),
    ("ws://127.0.0.1", "ws://0x7f000001", Err(Host)),
    ("ws://127.0.0.1", "ws://127.0.0.01", Err(Host)),
    ("ws://127.0.0.1", "ws://127.0.0.1.1", Err(Host)),
    ("ws://127.0.0.1", "ws://evil.0x", Err(Host)),
    ("ws://[::1]", "ws://[::1", Err(Host)),
    ("ws://[::1]", "ws://::1", Err(Host)),
    ("ws://[::1]", "ws://[::1%25eth0]", Err(Host)),
    ("ws://[::1]", "ws://[127.0.0.1]", Err(Host)),
    ("ws://[::1]", "ws://[[::1]]", Err(Host)),
    ("ws://[::1]", "ws://evil]", Err(Host)),
    // Ports.
    (DISCORD, "wss://gateway.discord.gg:", Err(Port)),
    (DISCORD, "wss://gateway.discord.gg:0", Err(Port)),
    (DISCORD, "wss://gateway.discord.gg:65536", Err(Port)),
    (DISCORD, "wss://gateway.discord.gg:+443", Err(Port)),
    (DISCORD, "wss://gateway.discord.gg:443:80", Err(Port)),
    (DISCORD, "wss://gateway.discord.gg:80.evil.com", Err(Port)),
    ("ws://[::1]", "ws://[::1]evil.com", Err(Port)),
    ("feed.example", "wss:feed.example", Err(Port)),
    // Bases that can't be read: nothing is trusted.
    ("", "", Err(Base)),
    ("", DISCORD, Err(Base)),
    ("gateway discord", DISCORD, Err(Base)),
    ("wss://", "wss://", Err(Base)),
    ("wss://gateway.discord.gg\\", DISCORD, Err(Base)),
];

#[test]
fn the_default_trusts_the_registrable_domain() {
    assert!(PAIRS.len() > 100);
    assert_eq!(EndpointTrust::default(), EndpointTrust::SameDomain);
    for (base, endpoint, expected) in PAIRS {
        assert_eq!(judge(EndpointTrust::SameDomain, base, endpoint), *expected, "{base} {endpoint}");
    }
}

#[test]
fn the_same_host_is_narrower() {
    for (base, endpoint, expected) in PAIRS {
        let other = *expected == SIBLING && base != endpoint && judge_host(base, endpoint).is_err();
        let expected = if other || *expected == STRANGER { Err(OtherHost) } else { *expected };
        assert_eq!(judge_host(base, endpoint), expected, "{base} {endpoint}");
    }
    assert_eq!(judge_host(DISCORD, "wss://gateway-us-east1-b.discord.gg"), Err(OtherHost));
    assert_eq!(judge_host(DISCORD, "wss://gateway.discord.gg:1"), Ok(()));
}

fn judge_host(base: &str, endpoint: &str) -> Result<(), Distrust> {
    judge(EndpointTrust::SameHost, base, endpoint)
}

/// A list adds to the host of the base and to nothing else; the rest of the rules holds.
#[test]
fn a_list_names_hosts_and_domains() {
    let list = [
        TrustedHost::Domain("Discord.gg."),
        TrustedHost::Host("resume.example.com"),
        TrustedHost::Host("10.0.0.7"),
        TrustedHost::Domain("10.0.0.8"),
        TrustedHost::Host("[fe80::7]"),
        TrustedHost::Domain("localhost"),
        // What can't be read matches nothing.
        TrustedHost::Domain(""),
        TrustedHost::Domain("."),
        TrustedHost::Domain("*.com"),
        TrustedHost::Host("wss://evil.com"),
    ];
    let list = EndpointTrust::Listed(&list);
    for (endpoint, expected) in [
        ("wss://base.example.com:9", Ok(())),
        ("wss://discord.gg", Ok(())),
        ("wss://a.b.discord.gg", Ok(())),
        ("wss://evildiscord.gg", Err(NotListed)),
        ("wss://discord.gg.evil.com", Err(NotListed)),
        ("wss://resume.example.com", Ok(())),
        ("wss://x.resume.example.com", Err(NotListed)),
        ("wss://example.com", Err(NotListed)),
        ("wss://10.0.0.7:1", Ok(())),
        ("wss://10.0.0.8", Ok(())),
        ("wss://10.0.0.9", Err(NotListed)),
        ("wss://[fe80:0::7]", Ok(())),
        ("wss://[fe80::8]", Err(NotListed)),
        ("wss://localhost", Ok(())),
        ("wss://a.localhost", Ok(())),
        ("wss://evil.com", Err(NotListed)),
        ("wss://com", Err(NotListed)),
        ("ws://discord.gg", Err(Scheme)),
        ("wss://discord.gg@evil.com", Err(UserName)),
    ] {
        assert_eq!(judge(list, "wss://base.example.com", endpoint), expected, "{endpoint}");
    }
    assert_eq!(judge(EndpointTrust::Listed(&[]), DISCORD, "wss://gateway.discord.gg:1"), Ok(()));
    assert_eq!(judge(EndpointTrust::Listed(&[]), DISCORD, "wss://discord.gg"), Err(NotListed));
}

#[test]
fn any_reads_nothing() {
    for (base, endpoint, _) in PAIRS {
        assert_eq!(judge(EndpointTrust::Any, base, endpoint), Ok(()), "{base} {endpoint}");
    }
}

/// An internationalised suffix is one in its Punycode form, too; a label that is no Punycode leaves the same host.
#[test]
#[cfg(feature = "public-suffix")]
fn punycode_is_decoded() {
    for (one, two, expected) in [
        ("a.xn--55qx5d.cn", "b.xn--55qx5d.cn", false),
        ("x.a.xn--55qx5d.cn", "y.a.xn--55qx5d.cn", true),
        // мск.рус and крым.рус are suffixes below another.
        ("a.xn--j1adp.xn--p1acf", "b.xn--j1adp.xn--p1acf", false),
        ("a.xn--j1ael8b.xn--p1acf", "b.xn--j1ael8b.xn--p1acf", false),
        ("x.a.xn--j1adp.xn--p1acf", "y.a.xn--j1adp.xn--p1acf", true),
        // åfjord.no and hægebostad.no are suffixes, bücher.no is none.
        ("a.xn--fjord-lra.no", "b.xn--fjord-lra.no", false),
        ("a.xn--hgebostad-g3a.no", "b.xn--hgebostad-g3a.no", false),
        ("a.xn--bcher-kva.no", "b.xn--bcher-kva.no", true),
        // Ends within a number, and beyond the last character.
        ("a.xn--99999999.no", "b.xn--99999999.no", false),
        ("a.xn--fjord-z.no", "b.xn--fjord-z.no", false),
        ("a.xn--zzzzzzzzzzz.no", "b.xn--zzzzzzzzzzz.no", false),
    ] {
        let judged = EndpointTrust::SameDomain.judge(&format!("wss://{one}"), &format!("wss://{two}"));
        assert_eq!(judged.is_ok(), expected, "{one} {two}");
    }
}

#[test]
fn an_error_says_place_reason_and_way_out() {
    let error = |base: &str, endpoint: &str| {
        EndpointTrust::SameHost.judge(base, endpoint).expect_err(endpoint).to_string()
    };
    assert_eq!(
        error("wss://me:secret@gateway.discord.gg/?token=secret", "wss://EVIL.example:9/path?token=secret"),
        "the endpoint \"wss://EVIL.example:9\" is not trusted for the base \"gateway.discord.gg\": its host is not that \
         of the base; dial the base, or add the host to EndpointTrust::Listed"
    );
    let refused = error("not a base", "wss://evil.example");
    assert!(
        refused.starts_with("the endpoint \"wss://evil.example\" is not trusted: the base can't be read;")
    );
    let endpoint = format!("wss://evil\r\n\u{1b}[31m{}", "x".repeat(100_000));
    let refused = error(DISCORD, &endpoint);
    assert!(refused.len() < 400 && !refused.contains(['\r', '\n', '\u{1b}']), "{refused}");
    let reasons = [Base, Character, UserName, Scheme, Host, Port, OtherHost, OtherDomain, NotListed];
    for reason in reasons {
        assert!(!reason.to_string().is_empty());
    }
}

#[test]
fn a_guard_counts_what_it_refuses() {
    let guard = EndpointGuard::new(EndpointTrust::SameHost);
    assert_eq!(guard.admit(DISCORD, "wss://gateway.discord.gg:1".to_owned()).ok().as_deref(), {
        Some("wss://gateway.discord.gg:1")
    });
    assert_eq!(guard.refused(), 0);
    for refused in 1..=3 {
        assert_eq!(guard.admit(DISCORD, "wss://evil.example").map_err(|error| error.reason), Err(OtherHost));
        assert_eq!(guard.refused(), refused);
    }
    assert_eq!(EndpointGuard::default().refused(), 0);
}

mod any_text {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a server says: no panic, and what is trusted has the base's host or domain right before its port, path or
        /// query.
        #[test]
        fn nothing_panics_and_nothing_else_is_trusted(
            endpoint in "(wss://)?([a-z.@:/?#%\\\\\\[\\]0-9-]|discord\\.gg|gateway|\\PC|xn--){0,12}",
        ) {
            for trust in [EndpointTrust::SameDomain, EndpointTrust::SameHost, EndpointTrust::Listed(&[])] {
                if trust.judge(DISCORD, &endpoint).is_ok() {
                    let rest = endpoint.strip_prefix("wss://").expect("the scheme");
                    let host = rest.split([':', '/', '?']).next().unwrap_or_default();
                    let host = host.strip_suffix('.').unwrap_or(host);
                    prop_assert!(host == "discord.gg" || host.ends_with(".discord.gg"), "{}", endpoint);
                }
            }
            if let Err(untrusted) = EndpointTrust::SameDomain.judge(&endpoint, &endpoint) {
                prop_assert!(untrusted.place.chars().count() <= 100 && !untrusted.to_string().contains('\n'));
            }
        }
    }
}
