//! Configs: presets by name, and those of a program's own in its memory.

use core::ffi::{CStr, c_char};
use core::time::Duration;

use core_policy::{Config, presets};

use crate::memory::{checked, shared, write, write_if_wanted};
use crate::settings::{REDIAL_MAX_RULES, REDIAL_MAX_STEPS, REDIAL_MAX_TABLE, Tables, redial_settings};
use crate::status::{redial_error, redial_status, status_number};

/// A valid config, made by `redial_config_init` or taken from `redial_preset`. It is only ever used by its address.
pub struct redial_config {
    _config: Config,
}

/// The size of the memory for a config, in numbers of 64 bits.
pub const REDIAL_CONFIG_WORDS: usize = 376;

/// Memory for a config of a program's own.
#[repr(C)]
pub struct redial_config_storage {
    /// Not to be read or written.
    opaque: [u64; REDIAL_CONFIG_WORDS],
}

/// What the storage holds: the config, and the lists that it refers to.
struct Stored {
    config: Config,
    tables: [[Duration; REDIAL_MAX_TABLE]; 2],
    steps: [[u32; REDIAL_MAX_STEPS]; REDIAL_MAX_RULES],
}

const _: () =
    assert!(size_of::<Stored>() <= size_of::<redial_config_storage>(), "a config has too few words");
const _: () = assert!(align_of::<Stored>() <= align_of::<redial_config_storage>());

/// The config behind an address.
///
/// # Safety
/// It is null, or was given out by `redial_preset` or by `redial_config_init`, whose storage is as it was.
pub(crate) unsafe fn config(config: *const redial_config) -> Result<&'static Config, redial_status> {
    // SAFETY: the address is that of a `Config`, which lives as long as the caller promises, and is not written.
    unsafe { shared(config.cast()) }
}

/// The preset of this name, such as "recommended" or "websocket"; null if there is none. It lives as long as the program.
///
/// # Safety
/// `name` is null or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_preset(name: *const c_char) -> *const redial_config {
    if name.is_null() {
        return core::ptr::null();
    }
    // SAFETY: not null, and so a string that ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    let config = name.to_str().ok().and_then(presets::by_name);
    config.map_or(core::ptr::null(), |config| core::ptr::from_ref(config).cast())
}

/// Writes the name of a preset by its number, from 0, as `snprintf` writes, and returns its length; 0 behind the last one.
///
/// # Safety
/// `text` is null, or points to `capacity` bytes that nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_preset_name(number: usize, text: *mut c_char, capacity: usize) -> usize {
    let name = presets::ALL.get(number).map_or("", |(name, _)| name);
    // SAFETY: the caller stands for it.
    unsafe { crate::text::print(&name, text, capacity) }
}

/// Writes every setting of a config, to be changed.
///
/// # Safety
/// `settings` points to a `redial_settings` that nobody else uses during the call, and `config` was given out by this library and still
/// is what it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_settings_of(
    settings: *mut redial_settings,
    config: *const redial_config,
) -> redial_status {
    // SAFETY: the caller stands for it.
    let config = match unsafe { self::config(config) } {
        Ok(config) => config,
        Err(status) => return status,
    };
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { write(settings, redial_settings::of(config)) })
}

/// Checks the settings and makes a config of them in the storage, whose address is then in `config`. The storage must not be moved or
/// written while a policy has it. Where a setting is wrong, `error` says which and why; it may be null.
///
/// # Safety
/// Each pointer is null or points to what its type says, which nobody else uses during the call. No policy has the storage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn redial_config_init(
    storage: *mut redial_config_storage,
    settings: *const redial_settings,
    config: *mut *const redial_config,
    error: *mut redial_error,
) -> redial_status {
    // SAFETY: the caller stands for it.
    redial_status::of(unsafe { init(storage, settings, config, error) })
}

/// # Safety
/// As of [`redial_config_init`].
unsafe fn init(
    storage: *mut redial_config_storage,
    settings: *const redial_settings,
    config: *mut *const redial_config,
    error: *mut redial_error,
) -> Result<(), redial_status> {
    // SAFETY: the caller stands for it.
    unsafe { write_if_wanted(error, redial_error::none()) }?;
    checked(storage)?;
    checked(config)?;
    // SAFETY: every pattern of bits is settings, and for the rest the caller stands.
    let settings = unsafe { shared(settings) }?;
    let stored = storage.cast::<Stored>();
    // SAFETY: the storage is at least as large and as aligned as what it holds, and nobody else uses it. What the config refers to from
    // here on is neither moved nor written while a policy has it.
    let tables = unsafe { Tables::new(&raw mut (*stored).tables, &raw mut (*stored).steps) };
    match settings.build(tables) {
        Ok(built) => {
            // SAFETY: as above, and the lists, which the config refers to, are other fields.
            unsafe { (&raw mut (*stored).config).write(built) };
            // SAFETY: as above, and for `config` the caller stands.
            unsafe { write(config, (&raw const (*stored).config).cast()) }
        }
        Err(refused) => {
            // SAFETY: the caller stands for it.
            unsafe { write_if_wanted(error, redial_error::of(refused)) }?;
            Err(redial_status::REDIAL_ERROR_CONFIG)
        }
    }
}

const _: status_number = redial_status::REDIAL_OK as status_number;
