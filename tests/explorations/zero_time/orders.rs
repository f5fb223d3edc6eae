//! Every order of moves up to a length.

use std::collections::HashSet;

use super::{Case, Draw, LOWEST, MIDDLE, Move, Play, all, nasty};
use crate::harness::deeper;

/// Explores all strings of at most `depth` moves; the states found and the moves made.
fn explore(case: &Case, draw: Draw, depth: usize) -> (usize, usize) {
    let start = Play::new(case, draw);
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
    for case in all() {
        let (states, moves) = explore(&case, LOWEST, 3 + deeper());
        println!("{}: {states} states, {moves} moves", case.name);
    }
    for case in nasty() {
        let (states, moves) = explore(&case, MIDDLE, 4 + deeper());
        println!("{}: {states} states, {moves} moves", case.name);
        assert!(states > 300, "{}: it goes nowhere", case.name);
    }
}
