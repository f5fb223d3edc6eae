//! Every order of moves up to a length.

use std::collections::HashSet;

use super::{Draw, LOWEST, MIDDLE, Move, Play, Prey, all, nasty};

/// Explores all strings of at most `depth` moves; the states found and the moves made.
fn explore(prey: &Prey, draw: Draw, depth: usize) -> (usize, usize) {
    let start = Play::new(prey, draw);
    let mut seen = HashSet::new();
    let mut frontier = vec![start];
    let mut moves = 0;
    for left in (0..depth).rev() {
        let mut next = Vec::new();
        for state in &frontier {
            for step in Move::ALL {
                let mut reached = state.clone();
                moves += 1;
                if !reached.make(step) {
                    continue;
                }
                reached.settle();
                if left > 0 && seen.insert((reached.policy.clone(), reached.dialled_at)) {
                    next.push(reached);
                }
            }
        }
        frontier = next;
    }
    (seen.len(), moves)
}

/// Issue 9, spins at zero time: no order of moves, however long it goes on without time, gets a second dial at one instant.
#[test]
fn no_order_of_moves_gets_a_second_dial_at_one_instant() {
    for prey in all() {
        let (states, moves) = explore(&prey, LOWEST, 4);
        println!("{}: {states} states, {moves} moves", prey.name);
    }
    for prey in nasty() {
        let (states, moves) = explore(&prey, MIDDLE, 5);
        println!("{}: {states} states, {moves} moves", prey.name);
        assert!(states > 300, "{}: it goes nowhere", prey.name);
    }
}
