//! A policy on the preset of Discord's gateway.
#![no_std]
#![no_main]

use redial::{fixed_config, presets};

fixed_config!(struct Known = presets::DISCORD_GATEWAY);

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    sizes::run(Known)
}
