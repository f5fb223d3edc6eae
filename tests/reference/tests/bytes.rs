//! The way in for a fuzzer: every string of bytes is a config and a string of events.

#[test]
fn any_bytes_are_a_case() {
    redial_reference::run(&[]);
    redial_reference::run(&[255; 2_000]);
    let mut state = 7_u64;
    for length in 0..2_000 {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        redial_reference::run(&bytes);
    }
}
