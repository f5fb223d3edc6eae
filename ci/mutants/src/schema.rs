//! A file with all of its mutants in it, each behind a switch.

use std::ops::Range;

use crate::listed::{Genre, Mutant};
use crate::places::{Place, mutated};
use crate::text::Text;

/// A mutant with its number, and where its switch goes.
pub(crate) type Placed<'a> = (u32, &'a Mutant, &'a Place);

/// A file as it is written, and what of it belongs to which mutants.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(crate) text: String,
    /// What is compiled for one mutant alone.
    alternatives: Vec<(Range<usize>, u32)>,
    /// What is compiled as it is, with the mutants that it could be instead.
    units: Vec<(Range<usize>, Vec<u32>)>,
    /// Where the heads of bodies are, in their order.
    heads: Vec<Range<usize>>,
}

impl Schema {
    pub(crate) fn new(text: &Text, mutants: &[Placed<'_>]) -> Self {
        let mut schema = Self::default();
        schema.write(text, 0..text.whole.len(), &edits(text, mutants));
        schema
    }

    /// The mutants that an error in this part of the text is of: the one that it lies in, else those around it.
    pub(crate) fn blamed(&self, error: &Range<usize>) -> (Vec<u32>, bool) {
        let holds = |range: &Range<usize>| range.start <= error.start && error.end <= range.end;
        let innermost = self.alternatives.iter().filter(|(range, _)| holds(range)).min_by_key(|(range, _)| range.len());
        if let Some((_, mutant)) = innermost {
            return (vec![*mutant], true);
        }
        let around = self.units.iter().filter(|(range, _)| holds(range)).min_by_key(|(range, _)| range.len());
        if let Some((_, mutants)) = around {
            return (mutants.clone(), false);
        }
        (self.bodies_of(error), true)
    }

    /// The mutants of a whole body, for an error in what stands before it: an argument that they drop.
    fn bodies_of(&self, signature: &Range<usize>) -> Vec<u32> {
        let next = self.heads.iter().find(|head| head.start >= signature.end);
        let Some(head) = next.filter(|head| !self.text[signature.end..head.start].contains('}')) else { return Vec::new() };
        let inside = self.alternatives.iter().filter(|(range, _)| head.start <= range.start && range.end <= head.end);
        inside.map(|(_, mutant)| *mutant).collect()
    }

    fn write(&mut self, text: &Text, part: Range<usize>, edits: &[Edit]) {
        let mut at = part.start;
        let mut rest = edits;
        while let Some((edit, after)) = rest.split_first() {
            self.text += &text.whole[at..edit.range.start];
            let inside = after.iter().take_while(|inner| inner.range.end <= edit.range.end && !edit.range.is_empty()).count();
            let (inside, after) = after.split_at(inside);
            self.write_edit(text, edit, inside);
            at = edit.range.end;
            rest = after;
        }
        self.text += &text.whole[at..part.end];
    }

    fn write_edit(&mut self, text: &Text, edit: &Edit, inside: &[Edit]) {
        let start = self.text.len();
        self.text += edit.before;
        for (mutant, alternative) in &edit.alternatives {
            let start = self.text.len();
            self.text += alternative;
            self.alternatives.push((start..self.text.len(), *mutant));
        }
        if edit.range.is_empty() && edit.rank == HEAD {
            self.heads.push(start..self.text.len());
        }
        self.text += edit.between;
        self.write(text, edit.range.clone(), inside);
        self.text += &edit.after;
        self.units.push((start..self.text.len(), edit.alternatives.iter().map(|(mutant, _)| *mutant).collect()));
    }
}

/// What is written instead of a part of the file: alternatives, and then the part itself.
struct Edit {
    range: Range<usize>,
    /// Of two at one place, the one with the lower rank is outside, or before.
    rank: u8,
    before: &'static str,
    alternatives: Vec<(u32, String)>,
    between: &'static str,
    after: String,
}

const HEAD: u8 = 0;

fn edits(text: &Text, mutants: &[Placed<'_>]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for (number, mutant, place) in mutants {
        let (range, rank) = match place {
            Place::Head(at) => (*at..*at, HEAD),
            Place::Iterator(range) => (range.clone(), HEAD),
            Place::Arm(at) => (*at..*at, 1),
            Place::Guard(range) => (range.clone(), 2),
            Place::Expression(range) if mutant.genre == Genre::BinaryOperator => (range.clone(), 3),
            Place::Expression(range) => (range.clone(), 4),
        };
        let alternative = (*number, alternative(text, *number, mutant, place));
        match edits.iter_mut().find(|edit| edit.range == range && edit.rank == rank) {
            Some(edit) => {
                edit.alternatives.push(alternative);
                if matches!(place, Place::Iterator(_)) {
                    edit.after += ") }";
                }
            }
            None => {
                let (before, between, after) = match place {
                    Place::Head(_) => ("", "", ""),
                    Place::Iterator(_) => ("", "{ ", " } ) }"),
                    Place::Arm(_) => (" if ", "", ""),
                    Place::Guard(_) => ("(", "(", "))"),
                    Place::Expression(_) => ("(", "{ ", " })"),
                };
                edits.push(Edit { range, rank, before, alternatives: vec![alternative], between, after: after.to_owned() });
            }
        }
    }
    edits.sort_by_key(|edit| (edit.range.start, !edit.range.is_empty(), std::cmp::Reverse(edit.range.end), edit.rank));
    edits
}

fn alternative(text: &Text, number: u32, mutant: &Mutant, place: &Place) -> String {
    let on = format!("::redial_switch::on({number})");
    match place {
        Place::Head(_) => format!("if {on} {{ return {}; }} ", mutant.replacement),
        Place::Iterator(_) => format!(
            "if {on} {{ ::redial_switch::Either::This({}) }} else {{ ::redial_switch::Either::That(",
            mutant.replacement
        ),
        Place::Arm(_) => format!("!{on}"),
        Place::Guard(_) if mutant.replacement == "true" => format!("{on} || "),
        Place::Guard(_) => format!("!{on} && "),
        Place::Expression(unit) => format!("if {on} {{ {} }} else ", mutated(text, mutant, unit)),
    }
}
