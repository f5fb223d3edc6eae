//! redial for C and C++: the policy in the caller's memory, without a heap, one call in, a small array of actions and the
//! deadline out. `include/redial.h` is generated from here, and `README.md` says how it is used.
//!
//! Everything that crosses the boundary is an integer, a pointer or a struct of them. A number of an enum is read as a number and
//! compared with those that are known, so that a wrong one is an error and never undefined. The unsafe code of the crate reads
//! and writes through the caller's pointers (`memory`, `slots`, `policy`, `config`, `snapshot`), and each block says why it may.

#![cfg_attr(not(test), no_std)]

mod action;
mod cause;
mod choices;
mod config;
mod event;
mod explain;
mod memory;
mod names;
mod policy;
mod settings;
mod slots;
mod snapshot;
mod stats;
mod status;
mod text;
mod time;
mod vocabulary;

#[cfg(test)]
mod tests;

/// No function of the core panics, which `ci/no-panic.sh` proves, and none here; a program has to say what would happen.
#[cfg(not(test))]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(unix)]
    {
        #[link(name = "c")]
        unsafe extern "C" {
            safe fn abort() -> !;
        }
        abort()
    }
    #[cfg(not(unix))]
    loop {
        core::hint::spin_loop();
    }
}
