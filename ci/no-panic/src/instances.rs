//! The types that stand for the type parameters of the core. Each is the largest that the core has, and the second, if
//! there is one, the smallest, so that both ends are compiled.

/// By `Type.Parameter`, `Trait.Parameter` or `Bound.Parameter` first, and then by `Parameter` alone.
const INSTANCES: &[(&str, &[&str])] = &[
    // A policy, a handover, and what belongs to them.
    ("R", &["redial::SplitMix64", "redial::ChaCha8Rng"]),
    ("T", &["shared::Token", "()"]),
    ("S", &["redial::subscriptions::FixedSubscriptions<u32, 16>", "redial::subscriptions::NoSubscriptions"]),
    ("C", &["&'static redial::Config", "shared::Known"]),
    ("E", &["redial::endpoints::FixedEndpoints<4>", "redial::endpoints::SingleEndpoint"]),
    ("K", &["u32"]),
    ("Q", &["redial::Policy<redial::SplitMix64>"]),
    ("BYTES", &["512"]),
    ("OptionalPart.X", &["redial::heartbeat::Heartbeat"]),
    ("Hash.R", &["redial::SplitMix64"]), // The other one has no hash.
    ("Snapshot.T", &["shared::Token"]),
    ("Builder.C", &["redial::Config"]),
    // Subscriptions.
    ("A", &["shared::InPlace<u32, 16>"]),
    ("InPlace.N", &["16"]),
    ("SubscriptionSet.N", &["16"]),
    // A breaker's window.
    (
        "W",
        &[
            "redial::breaker::Consecutive",
            "redial::breaker::CountWindow<64>",
            "redial::breaker::TimeWindow<10>",
        ],
    ),
    ("RateWindow.W", &["redial::breaker::CountWindow<64>", "redial::breaker::TimeWindow<10>"]),
    ("BUCKETS", &["10"]),
    ("CountWindow.N", &["64"]),
    ("Config.N", &["64"]),
    ("FixedEndpoints.N", &["4"]),
    // Budgets.
    ("STARTS", &["16"]),
    ("WAITING", &["16"]),
    // Parameters of methods.
    ("with_session.T2", &["shared::Token"]),
    ("with_session_type.T2", &["shared::Token"]),
    ("with_subscriptions.S2", &["redial::subscriptions::FixedSubscriptions<u32, 16>"]),
    ("with_endpoints.E2", &["redial::endpoints::FixedEndpoints<4>"]),
    ("with_rng.R2", &["redial::ChaCha8Rng"]),
    ("number.N", &["u32"]),
    ("hash.__H", &["shared::Hasher"]),
    ("hash.H", &["shared::Hasher"]),
];

/// What stands for a parameter: of a type, of a trait, of what has a bound, or of a method, and else of any.
pub(crate) fn of(owners: &[String], parameter: &str) -> Option<&'static [&'static str]> {
    let find = |name: &str| INSTANCES.iter().find(|(known, _)| *known == name).map(|(_, types)| *types);
    owners.iter().find_map(|owner| find(&format!("{owner}.{parameter}"))).or_else(|| find(parameter))
}
