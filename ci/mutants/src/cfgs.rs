//! Whether an item is compiled: what `#[cfg(…)]` says, for this target and the features of the copy.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, Result};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Token};

/// What is set, as rustc prints it: a name, or a name with a value in quotation marks.
pub(crate) struct Cfgs(BTreeSet<String>);

impl Cfgs {
    pub(crate) fn new(features: &[&str]) -> Result<Self> {
        let output = Command::new("rustc").args(["--print", "cfg"]).output().context("rustc")?;
        let mut set: BTreeSet<String> =
            String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect();
        set.extend(features.iter().map(|feature| format!("feature=\"{feature}\"")));
        Ok(Self(set))
    }

    pub(crate) fn compiles(&self, attributes: &[Attribute]) -> bool {
        attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg"))
            .all(|attribute| attribute.parse_args::<Meta>().map_or(true, |meta| self.holds(&meta)))
    }

    fn holds(&self, meta: &Meta) -> bool {
        match meta {
            Meta::Path(path) => path.get_ident().is_some_and(|name| self.0.contains(&name.to_string())),
            Meta::NameValue(pair) => match (pair.path.get_ident(), &pair.value) {
                (Some(name), Expr::Lit(ExprLit { lit: Lit::Str(value), .. })) => {
                    self.0.contains(&format!("{name}=\"{}\"", value.value()))
                }
                _ => false,
            },
            Meta::List(list) => {
                let parts =
                    list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
                match list.path.get_ident().map(ToString::to_string).as_deref() {
                    Some("all") => parts.iter().all(|part| self.holds(part)),
                    Some("any") => parts.iter().any(|part| self.holds(part)),
                    Some("not") => !parts.iter().all(|part| self.holds(part)),
                    _ => false,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_or_not() {
        let cfgs = Cfgs(["unix", "feature=\"std\"", "target_os=\"linux\""].map(str::to_owned).into());
        for (condition, expected) in [
            ("unix", true),
            ("windows", false),
            ("feature = \"std\"", true),
            ("all(unix, feature = \"driver\")", false),
            ("any(unix, feature = \"driver\")", true),
            ("not(all(target_os = \"linux\", windows))", true),
            ("not(unix)", false),
        ] {
            let item: syn::ItemMod = syn::parse_str(&format!("#[cfg({condition})] mod a;")).expect("an item");
            assert_eq!(cfgs.compiles(&item.attrs), expected, "{condition}");
        }
    }
}
