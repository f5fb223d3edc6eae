//! What is read and written through the pointers of a caller.
//!
//! A caller promises of each pointer that it is null or points to memory of the type that the header says, which nobody else
//! writes during the call. A null pointer and one that is not aligned are found, and are errors.

use crate::status::redial_status;

/// Checks what can be checked of a pointer.
pub(crate) fn checked<T>(pointer: *const T) -> Result<(), redial_status> {
    if pointer.is_null() {
        Err(redial_status::REDIAL_ERROR_NULL)
    } else if !pointer.is_aligned() {
        Err(redial_status::REDIAL_ERROR_ALIGNMENT)
    } else {
        Ok(())
    }
}

/// What a pointer of the caller's points to.
///
/// # Safety
/// The pointer is null, or points to a `T` that is initialized and that nobody writes for `'a`. Every pattern of bits is a `T`.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T) -> Result<&'a T, redial_status> {
    checked(pointer)?;
    // SAFETY: it is neither null nor misaligned, and for the rest the caller stands.
    Ok(unsafe { &*pointer })
}

/// Writes to where a pointer of the caller's points. What is there is not read.
///
/// # Safety
/// The pointer is null, or points to memory for a `T` that nobody else reads or writes during the call.
pub(crate) unsafe fn write<T>(pointer: *mut T, value: T) -> Result<(), redial_status> {
    checked(pointer)?;
    // SAFETY: it is neither null nor misaligned, and for the rest the caller stands.
    unsafe { pointer.write(value) };
    Ok(())
}

/// The same where a caller that passes null does not want to know.
///
/// # Safety
/// As of [`write`].
pub(crate) unsafe fn write_if_wanted<T>(pointer: *mut T, value: T) -> Result<(), redial_status> {
    if pointer.is_null() {
        return Ok(());
    }
    // SAFETY: the caller stands for it.
    unsafe { write(pointer, value) }
}

/// The items of an array of the caller's. Null is an array of none.
///
/// # Safety
/// The pointer is null with a length of 0, or points to as many items that are initialized and that nobody writes for `'a`.
pub(crate) unsafe fn items<'a, T>(pointer: *const T, length: usize) -> Result<&'a [T], redial_status> {
    if length == 0 {
        return Ok(&[]);
    }
    checked(pointer)?;
    if size_of::<T>().checked_mul(length).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(redial_status::REDIAL_ERROR_LENGTH);
    }
    // SAFETY: it is neither null nor misaligned, no longer than memory can be, and for the rest the caller stands.
    Ok(unsafe { core::slice::from_raw_parts(pointer, length) })
}

/// Bytes of the caller's to write to. What is there is not to be read.
///
/// # Safety
/// The pointer is null with a length of 0, or points to as many bytes that nobody else reads or writes for `'a`.
pub(crate) unsafe fn room<'a>(pointer: *mut u8, length: usize) -> Result<&'a mut [u8], redial_status> {
    if length == 0 {
        return Ok(&mut []);
    }
    checked(pointer)?;
    if length > isize::MAX as usize {
        return Err(redial_status::REDIAL_ERROR_LENGTH);
    }
    // SAFETY: as in `items`. Memory of a caller in another language is initialized as far as this program can know.
    Ok(unsafe { core::slice::from_raw_parts_mut(pointer, length) })
}
