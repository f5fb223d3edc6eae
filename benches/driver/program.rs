//! Temporary: runs the measures of the driver. `count N` is for callgrind with `--toggle-collect=counted`.

mod clients;
mod crowd;
mod memory;
mod messages;
mod pipe;

/// What callgrind counts.
#[unsafe(no_mangle)]
#[inline(never)]
fn counted(steps: &mut messages::Steps) {
    steps(std::hint::black_box(1_000));
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["names"] => {
            for (index, reader) in messages::READERS.iter().enumerate() {
                println!("{index} {}", reader.who);
            }
        }
        ["count", index] => {
            let mut steps = (messages::READERS[index.parse::<usize>().expect("a number")].prepare)();
            counted(&mut steps);
        }
        ["memory"] => {
            for bytes in memory::connections() {
                let memory::Bytes { who, bytes, allocations, goal } = bytes;
                println!("{who:50} {bytes:6} B {allocations:4} allocations, goal {goal:?}");
            }
        }
        ["crowds"] => {
            for crowd::Crowd { who, up, after } in crowd::crowds().expect("a crowd") {
                println!("{who:50} {up:6} up, the last after {after:.1?}");
            }
        }
        [crowd::SERVE] => crowd::serve().expect("a server"),
        _ => panic!("names | count N | memory | crowds"),
    }
}
