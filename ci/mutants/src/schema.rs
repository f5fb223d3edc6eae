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
        let innermost =
            self.alternatives.iter().filter(|(range, _)| holds(range)).min_by_key(|(range, _)| range.len());
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
        let Some(head) = next.filter(|head| !self.text[signature.end..head.start].contains('}')) else {
            return Vec::new();
        };
        let inside =
            self.alternatives.iter().filter(|(range, _)| head.start <= range.start && range.end <= head.end);
        inside.map(|(_, mutant)| *mutant).collect()
    }

    fn write(&mut self, text: &Text, part: Range<usize>, edits: &[Edit]) {
        let mut at = part.start;
        let mut rest = edits;
        while let Some((edit, after)) = rest.split_first() {
            self.text += &text.whole[at..edit.range.start];
            let inside = after
                .iter()
                .take_while(|inner| inner.range.end <= edit.range.end && !edit.range.is_empty())
                .count();
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
        self.units
            .push((start..self.text.len(), edit.alternatives.iter().map(|(mutant, _)| *mutant).collect()));
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
                    Place::Iterator(_) => ("", "{ ", " }) }"),
                    Place::Arm(_) => (" if ", "", ""),
                    Place::Guard(_) => ("(", "(", "))"),
                    Place::Expression(_) => ("(", "{ ", " })"),
                };
                edits.push(Edit {
                    range,
                    rank,
                    before,
                    alternatives: vec![alternative],
                    between,
                    after: after.to_owned(),
                });
            }
        }
    }
    edits.sort_by_key(|edit| {
        (edit.range.start, !edit.range.is_empty(), std::cmp::Reverse(edit.range.end), edit.rank)
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cfgs::Cfgs;
    use crate::places::{Standing, places};

    /// Each mutant as the column of a text of one line, what it replaces, and by what.
    fn schema(line: &str, mutants: &[(Genre, &str, &str)]) -> (Text, Vec<Standing>, Schema) {
        let text = Text::new(line.to_owned());
        let listed: Vec<Mutant> =
            mutants.iter().map(|(genre, old, new)| mutant(line, *genre, old, new)).collect();
        let all: Vec<&Mutant> = listed.iter().collect();
        let standings = places(&text, &all, &Cfgs::new(&[]).expect("rustc")).expect("a file that parses");
        let placed: Vec<Placed<'_>> = (1..)
            .zip(&listed)
            .zip(&standings)
            .filter_map(|((number, mutant), standing)| match standing {
                Standing::At(place) => Some((number, mutant, place)),
                _ => None,
            })
            .collect();
        let schema = Schema::new(&text, &placed);
        (text, standings, schema)
    }

    fn mutant(line: &str, genre: Genre, old: &str, new: &str) -> Mutant {
        let start = line.find(old).expect("it is there") + 1;
        serde_json::from_value(serde_json::json!({
            "name": "", "file": "", "diff": "", "replacement": new, "genre": format!("{genre:?}"),
            "function": { "function_name": "f", "return_type": line.split('{').next().and_then(|head| head.split_once("->")).map_or(String::new(), |(_, to)| format!("-> {}", to.trim())) },
            "span": { "start": { "line": 1, "column": start }, "end": { "line": 1, "column": start + old.len() } },
        }))
        .expect("a mutant")
    }

    fn written(line: &str, mutants: &[(Genre, &str, &str)]) -> String {
        schema(line, mutants).2.text.replace("::redial_switch::", "")
    }

    #[test]
    fn a_body_returns_early() {
        let line = "fn f() -> u8 { let a = 1; a }";
        let mutants = [(Genre::FnValue, "let a = 1; a", "0"), (Genre::FnValue, "let a = 1; a", "1")];
        assert_eq!(
            written(line, &mutants),
            "fn f() -> u8 { if on(1) { return 0; } if on(2) { return 1; } let a = 1; a }"
        );
    }

    #[test]
    fn a_body_that_is_an_iterator_is_one_of_two() {
        let line = "fn f() -> impl Iterator<Item = u8> { all(1) }";
        let mutants = [(Genre::FnValue, "all(1)", "none()"), (Genre::FnValue, "all(1)", "one()")];
        let expected = "fn f() -> impl Iterator<Item = u8> { if on(1) { Either::This(none()) } else { Either::That(\
                        if on(2) { Either::This(one()) } else { Either::That({ all(1) }) }) } }";
        assert_eq!(written(line, &mutants), expected);
    }

    /// As text, so that what binds closer takes its operands: `a / b * c` is not `a / (b * c)`.
    #[test]
    fn an_operator_is_replaced_with_all_that_it_may_bind_to() {
        let line = "fn f() { g(a - b * !c) }";
        let mutants = [
            (Genre::BinaryOperator, "-", "/"),
            (Genre::BinaryOperator, "*", "+"),
            (Genre::UnaryOperator, "!", ""),
        ];
        let expected = "fn f() { g((if on(1) { a / b * !c } else if on(2) { a - b + !c } else \
                        { a - b * (if on(3) { c } else { !c }) })) }";
        assert_eq!(written(line, &mutants), expected);
    }

    #[test]
    fn an_arm_goes_and_a_guard_is_fixed() {
        let line = "fn f() { match a { 1 => b, 2 if c == d => e, _ => g } }";
        let mutants = [
            (Genre::MatchArm, "1 => b,", ""),
            (Genre::MatchArmGuard, "c == d", "true"),
            (Genre::MatchArmGuard, "c == d", "false"),
            (Genre::BinaryOperator, "==", "!="),
        ];
        let expected = "fn f() { match a { 1 if !on(1) => b, 2 if (on(2) || !on(3) && ((if on(4) { c != d } else { c == d }))) \
                        => e, _ => g } }";
        assert_eq!(written(line, &mutants), expected);
    }

    #[test]
    fn a_field_is_left_to_the_base() {
        let line = "fn f() { A { b: 1, c: 2, ..d } }";
        let expected = "fn f() { (if on(1) { A {  c: 2, ..d } } else { A { b: 1, c: 2, ..d } }) }";
        assert_eq!(written(line, &[(Genre::StructField, "b: 1,", "")]), expected);
    }

    #[test]
    fn what_no_branch_can_say_is_named() {
        let standing = |line, mutant| schema(line, &[mutant]).1.remove(0);
        let and = (Genre::BinaryOperator, "&&", "||");
        assert_eq!(standing("fn f() { if a && let b = c {} }", and), Standing::Syntax);
        assert_eq!(standing("fn f() { if a && d && let b = c {} }", and), Standing::Syntax);
        assert!(matches!(standing("fn f() { if (a && d) && let b = c {} }", and), Standing::At(_)));
        assert_eq!(
            standing("const A: u8 = 1 + 2;", (Genre::BinaryOperator, "+", "-")),
            Standing::CompileTime
        );
        assert_eq!(
            standing("fn f(a: [u8; 1 + 2]) {}", (Genre::BinaryOperator, "+", "-")),
            Standing::CompileTime
        );
        assert_eq!(standing("#[cfg(nowhere)] fn f() { a }", (Genre::FnValue, "a }", "()")), Standing::Absent);
        let arm = (Genre::MatchArm, "1 => b,", "");
        assert_eq!(standing("fn f() { match a { 1 => b, _ if c => d } }", arm), Standing::NotExhaustive);
    }

    #[test]
    fn an_error_is_blamed_on_what_it_lies_in() {
        let line = "const fn f(x: A) -> u8 { a + b }";
        let (_, _, schema) =
            schema(line, &[(Genre::BinaryOperator, "+", "-"), (Genre::FnValue, "a + b", "0")]);
        let blamed = |what: &str| {
            let start = schema.text.find(what).expect("it is there");
            schema.blamed(&(start..start + what.len()))
        };
        assert_eq!(blamed("a - b"), (vec![1], true));
        assert_eq!(blamed("a + b"), (vec![1], false));
        assert_eq!(blamed("return 0"), (vec![2], true));
        assert_eq!(blamed("x: A"), (vec![2], true), "an argument that a body drops");
    }
}
