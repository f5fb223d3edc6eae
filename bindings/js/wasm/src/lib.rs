//! One policy of redial behind a mailbox of 32-bit numbers, for a host that shares nothing but a memory.
//!
//! The host writes numbers into the [mail](mail::MAIL), calls, and reads numbers from it: [`create`](mailbox::create) makes the
//! policy, [`step`](mailbox::step) tells it one event or the time, [`tell`](mailbox::tell) repeats what it says of itself.
//! There is one policy; a host with several keeps the bytes of each, which are plain data, and puts them back before a call.

#![cfg_attr(not(test), no_std)]

mod cause;
mod event;
mod mail;
mod mailbox;
mod report;
mod settings;
#[cfg(test)]
mod tests;

#[cfg(target_family = "wasm")]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
