//! Where the switch of each mutant goes: what of the file it replaces, and how.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Context as _, Result};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Expr, UnOp};

use crate::cfgs::Cfgs;
use crate::listed::{Genre, Mutant};
use crate::text::Text;

/// How a mutant is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `if on { return …; }` here, at the head of a body.
    Head(usize),
    /// `if on { … } else { … }` instead of this expression. An operator takes with it all that it may bind to when it is
    /// another one: cargo-mutants replaces text, and so the text is replaced here.
    Expression(Range<usize>),
    /// One of two iterators instead of this body.
    Iterator(Range<usize>),
    /// ` if !on` here, after the pattern of an arm.
    Arm(usize),
    /// This guard is true, or false.
    Guard(Range<usize>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    At(Place),
    /// Computed by the compiler, such as the value of a constant.
    CompileTime,
    /// Not compiled with these features.
    Absent,
    /// No expression says it, so that cargo-mutants has to try it alone.
    Inexpressible(&'static str),
    /// Without this arm, not every value has one.
    NotExhaustive,
    /// It does not parse.
    Syntax,
}

/// Where each of these mutants of one file stands.
pub(crate) fn places(text: &Text, mutants: &[&Mutant], cfgs: &Cfgs) -> Result<Vec<Standing>> {
    let file = syn::parse_file(&text.whole)?;
    let mut finder = Finder {
        text,
        cfgs,
        found: HashMap::new(),
        absent: false,
        constant: false,
        unit: None,
        chain: false,
    };
    finder.visit_file(&file);
    let standing = |mutant: &&Mutant| {
        let start = text.offset(mutant.span.start);
        let found = finder.found.get(&(start, mutant.genre)).cloned();
        let found = found.with_context(|| format!("{} is not in the file", mutant.name))?;
        Ok(match found {
            Standing::At(Place::Head(_)) if mutant.returns().starts_with("-> impl Iterator") => {
                Standing::At(Place::Iterator(text.range(mutant.span)))
            }
            Standing::At(Place::Head(_)) if mutant.returns().contains("impl ") => {
                Standing::Inexpressible("a body of an anonymous type, which is the original's")
            }
            found if parses(text, mutant, &found) => found,
            _ => Standing::Syntax,
        })
    };
    mutants.iter().map(standing).collect()
}

/// What stands in the place of an expression when this mutant is on.
pub(crate) fn mutated(text: &Text, mutant: &Mutant, unit: &Range<usize>) -> String {
    text.replaced(unit, &text.range(mutant.span), &mutant.replacement)
}

fn parses(text: &Text, mutant: &Mutant, standing: &Standing) -> bool {
    match standing {
        Standing::At(Place::Head(_)) => syn::parse_str::<Expr>(&mutant.replacement).is_ok(),
        Standing::At(Place::Expression(unit)) => syn::parse_str::<Expr>(&mutated(text, mutant, unit)).is_ok(),
        _ => true,
    }
}

struct Finder<'a> {
    text: &'a Text,
    cfgs: &'a Cfgs,
    found: HashMap<(usize, Genre), Standing>,
    absent: bool,
    constant: bool,
    /// The whole of the operators that are being visited.
    unit: Option<Range<usize>>,
    /// These operators have a `let` among them.
    chain: bool,
}

impl Finder<'_> {
    fn found(&mut self, start: usize, genre: Genre, place: Standing) {
        let standing = match place {
            _ if self.absent => Standing::Absent,
            _ if self.constant => Standing::CompileTime,
            place => place,
        };
        self.found.insert((start, genre), standing);
    }

    fn start(&self, span: proc_macro2::Span) -> usize {
        self.text.range_of(span).start
    }

    fn body(&mut self, block: &syn::Block) {
        if let Some(first) = block.stmts.first() {
            let start = self.start(first.span());
            self.found(start, Genre::FnValue, Standing::At(Place::Head(start)));
        }
    }

    fn under(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.absent;
        self.absent |= !self.cfgs.compiles(attributes);
        visit(self);
        self.absent = before;
    }

    fn in_constant(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.constant, true);
        visit(self);
        self.constant = before;
    }

    fn in_function(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.constant, false);
        visit(self);
        self.constant = before;
    }
}

/// Whether there is a `let` among operands that `&&` joins.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn is_catchall(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) => true,
        syn::Pat::Ident(name) => {
            name.subpat.is_none() && name.ident.to_string().starts_with(|first: char| first.is_lowercase())
        }
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Static(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Trait(item) => &item.attrs,
            _ => &Vec::new(),
        };
        let unit = (self.unit.take(), std::mem::replace(&mut self.chain, false));
        self.under(attributes, |finder| visit::visit_item(finder, item));
        (self.unit, self.chain) = unit;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.in_function(|finder| {
            finder.body(&item.block);
            visit::visit_item_fn(finder, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.under(&item.attrs, |finder| {
            finder.in_function(|finder| {
                finder.body(&item.block);
                visit::visit_impl_item_fn(finder, item);
            });
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.under(&item.attrs, |finder| {
            finder.in_function(|finder| {
                item.default.iter().for_each(|block| finder.body(block));
                visit::visit_trait_item_fn(finder, item);
            });
        });
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.in_constant(|finder| visit::visit_item_const(finder, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.in_constant(|finder| visit::visit_item_static(finder, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.under(&item.attrs, |finder| {
            finder.in_constant(|finder| visit::visit_impl_item_const(finder, item))
        });
    }

    fn visit_trait_item_const(&mut self, item: &'ast syn::TraitItemConst) {
        self.under(&item.attrs, |finder| {
            finder.in_constant(|finder| visit::visit_trait_item_const(finder, item))
        });
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        self.in_constant(|finder| visit::visit_expr_const(finder, block));
    }

    /// The length of an array, in a type or in an expression.
    fn visit_type_array(&mut self, array: &'ast syn::TypeArray) {
        self.in_constant(|finder| visit::visit_type_array(finder, array));
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
        self.in_constant(|finder| finder.visit_expr(&repeat.len));
    }

    fn visit_generic_argument(&mut self, argument: &'ast syn::GenericArgument) {
        match argument {
            syn::GenericArgument::Const(_) => {
                self.in_constant(|finder| visit::visit_generic_argument(finder, argument));
            }
            _ => visit::visit_generic_argument(self, argument),
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.in_constant(|finder| visit::visit_variant(finder, variant));
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        let attributes = match statement {
            syn::Stmt::Local(local) => &local.attrs,
            syn::Stmt::Expr(Expr::Block(block), _) => &block.attrs,
            _ => &Vec::new(),
        };
        self.under(attributes, |finder| visit::visit_stmt(finder, statement));
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        if matches!(expr, Expr::Binary(_)) {
            visit::visit_expr(self, expr);
            return;
        }
        let before = (self.unit.take(), std::mem::replace(&mut self.chain, false));
        visit::visit_expr(self, expr);
        (self.unit, self.chain) = before;
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let before = (self.unit.clone(), self.chain);
        let whole = self.text.range_of(binary.span());
        self.chain = matches!(binary.op, BinOp::And(_))
            && (self.chain || has_let(&binary.left) || has_let(&binary.right));
        let start = self.start(binary.op.span());
        if self.chain {
            // Where `let` is, nothing but `&&` parses.
            self.found(start, Genre::BinaryOperator, Standing::Syntax);
            self.unit = None;
        } else {
            let unit = self.unit.get_or_insert(whole).clone();
            self.found(start, Genre::BinaryOperator, Standing::At(Place::Expression(unit)));
        }
        visit::visit_expr_binary(self, binary);
        (self.unit, self.chain) = before;
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if matches!(unary.op, UnOp::Not(_) | UnOp::Neg(_)) {
            let start = self.start(unary.op.span());
            let unit = self.text.range_of(unary.span());
            self.found(start, Genre::UnaryOperator, Standing::At(Place::Expression(unit)));
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, whole: &'ast syn::ExprMatch) {
        let takes_the_rest = whole.arms.iter().any(|arm| arm.guard.is_none() && is_catchall(&arm.pat));
        for arm in &whole.arms {
            let start = self.start(arm.span());
            let end = self.text.range_of(arm.pat.span()).end;
            // cargo-mutants takes `_ if …` for an arm for all the rest.
            let place = if takes_the_rest { Standing::At(Place::Arm(end)) } else { Standing::NotExhaustive };
            self.under(&arm.attrs, |finder| finder.found(start, Genre::MatchArm, place));
        }
        visit::visit_expr_match(self, whole);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.under(&arm.attrs, |finder| {
            if let Some((_, guard)) = &arm.guard {
                let range = finder.text.range_of(guard.span());
                let standing = if has_let(guard) {
                    Standing::Inexpressible("a guard with `let`")
                } else {
                    Standing::At(Place::Guard(range.clone()))
                };
                finder.found(range.start, Genre::MatchArmGuard, standing);
            }
            visit::visit_arm(finder, arm);
        });
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        let unit = self.text.range_of(literal.span());
        for field in &literal.fields {
            let start = self.start(field.span());
            let place = Standing::At(Place::Expression(unit.clone()));
            self.under(&field.attrs, |finder| finder.found(start, Genre::StructField, place));
        }
        visit::visit_expr_struct(self, literal);
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        let mut inner = PatternOperators { outer: self };
        inner.visit_pat(pattern);
    }
}

/// Operators of a pattern: a pattern has no branches.
struct PatternOperators<'a, 'b> {
    outer: &'a mut Finder<'b>,
}

impl<'ast> Visit<'ast> for PatternOperators<'_, '_> {
    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let start = self.outer.start(unary.op.span());
        self.outer.found(start, Genre::UnaryOperator, Standing::Inexpressible("an operator in a pattern"));
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let start = self.outer.start(binary.op.span());
        self.outer.found(start, Genre::BinaryOperator, Standing::Inexpressible("an operator in a pattern"));
    }
}
