#[test]
fn sizes() {
    println!("cell {} {}", size_of::<crate::policy::Cell>(), align_of::<crate::policy::Cell>());
    println!("slot {}", size_of::<crate::slots::Cell>());
    println!("stored {} config {}", size_of::<crate::config::Stored>(), size_of::<core_policy::Config>());
    println!("settings {} event {} action {} decision {}", size_of::<crate::settings::redial_settings>(), size_of::<crate::event::redial_event>(), size_of::<crate::action::redial_action>(), size_of::<crate::action::redial_decision>());
}
