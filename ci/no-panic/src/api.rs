//! The public functions of the core, from rustdoc's JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Failure, instances};

/// A public function with types for its parameters.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The module of the core that it belongs to.
    pub(crate) part: String,
    /// The name that a user knows it by, without types for parameters. Several entries may have one.
    pub(crate) name: String,
    /// The last part of the name.
    pub(crate) function: String,
    /// An expression of Rust: the function.
    pub(crate) expression: String,
}

/// The type parameters of a type or function and what stands for them.
type Chosen = BTreeMap<String, String>;

struct Api<'a> {
    index: &'a Value,
    paths: &'a Value,
    /// By the number of an item: how a user names it.
    public: BTreeMap<u64, String>,
    entries: Vec<Entry>,
}

/// Every public function, in the order of their names.
pub(crate) fn entries(json: &Value) -> Result<Vec<Entry>, Failure> {
    let root = number(&json["root"]).ok_or("rustdoc's JSON has no root")?;
    let mut api =
        Api { index: &json["index"], paths: &json["paths"], public: BTreeMap::new(), entries: Vec::new() };
    api.walk(root, "redial");
    let mut items: Vec<&Value> =
        json["index"].as_object().ok_or("rustdoc's JSON has no index")?.values().collect();
    items.sort_by_key(|item| number(&item["id"]));
    for item in items {
        if item["crate_id"] == 0 && !item["inner"]["impl"].is_null() {
            api.implementation(&item["inner"]["impl"])?;
        }
    }
    let functions: Vec<u64> =
        api.public.keys().copied().filter(|id| !api.item(*id)["inner"]["function"].is_null()).collect();
    for id in functions {
        let (path, item) = (api.public[&id].clone(), api.item(id));
        if let Some(parameter) = own_parameters(&item["inner"]["function"]).first() {
            return Err(format!("{path} has a parameter `{parameter}`: no free function had one").into());
        }
        let part = path.split("::").nth(1).unwrap_or_default().to_owned();
        api.entries.push(Entry {
            part,
            name: path.clone(),
            function: last(&path).to_owned(),
            expression: path,
        });
    }
    api.entries.sort_by(|a, b| (&a.part, &a.name, &a.expression).cmp(&(&b.part, &b.name, &b.expression)));
    Ok(api.entries)
}

impl Api<'_> {
    fn item(&self, id: u64) -> &Value {
        &self.index[id.to_string()]
    }

    /// Finds the names of everything that a user can reach. The shortest one stays.
    fn walk(&mut self, module: u64, path: &str) {
        let members = self.item(module)["inner"]["module"]["items"].as_array().cloned().unwrap_or_default();
        for id in members.iter().filter_map(number) {
            let item = self.item(id);
            let used = &item["inner"]["use"];
            let (id, name) = if used.is_null() {
                (Some(id), item["name"].as_str())
            } else {
                (number(&used["id"]), used["name"].as_str())
            };
            let (Some(id), Some(name)) = (id, name) else { continue };
            let path = format!("{path}::{name}");
            let known = self.public.get(&id);
            if known.is_none_or(|known| known.matches("::").count() > path.matches("::").count()) {
                self.public.insert(id, path.clone());
            }
            let is_here = !self.item(id).is_null(); // and not re-exported from another crate
            if is_here && !self.item(id)["inner"]["module"].is_null() {
                self.walk(id, &path);
            }
        }
    }

    /// The functions of an `impl` that a user can call.
    fn implementation(&mut self, block: &Value) -> Result<(), Failure> {
        if !block["blanket_impl"].is_null() || block["is_synthetic"] == true {
            return Ok(()); // Those of the standard library, such as `Into`.
        }
        let of_trait = &block["trait"];
        if [of_trait, &block["for"]["resolved_path"]].iter().any(|named| self.is_hidden(named)) {
            return Ok(()); // Sealed: no user can name it.
        }
        let owner = self.owner(&block["for"]);
        let trait_name = last(of_trait["path"].as_str().unwrap_or_default());
        let mut types = Vec::new();
        for parameter in own_parameters(block) {
            let mut owners = vec![trait_name.to_owned(), last(&owner).to_owned()];
            owners.extend(bounds(block, &parameter));
            let known = instances::of(&owners, &parameter).ok_or_else(|| unknown(&owner, &parameter))?;
            types.push((parameter, known));
        }
        let choices = types.iter().map(|(_, types)| types.len()).max().unwrap_or(1);
        for choice in 0..choices {
            let choose = |(parameter, types): &(String, &[&str])| {
                (parameter.clone(), types[choice.min(types.len() - 1)].to_owned())
            };
            self.functions(block, &owner, &types.iter().map(choose).collect())?;
        }
        Ok(())
    }

    fn functions(&mut self, block: &Value, owner: &str, chosen: &Chosen) -> Result<(), Failure> {
        let for_type = self.name_type(&block["for"], chosen)?;
        let of_trait = &block["trait"];
        let (self_type, shown) = if of_trait.is_null() {
            (format!("<{for_type}>"), owner.to_owned())
        } else {
            let named = self.name_path(of_trait, chosen)?;
            (
                format!("<{for_type} as {named}>"),
                format!("<{owner} as {}>", last(of_trait["path"].as_str().unwrap_or_default())),
            )
        };
        let mut members: Vec<u64> =
            block["items"].as_array().into_iter().flatten().filter_map(number).collect();
        members.extend(self.provided(block));
        for id in members {
            let item = self.item(id);
            let function = &item["inner"]["function"];
            if function.is_null() || (of_trait.is_null() && item["visibility"] != "public") {
                continue;
            }
            let name = item["name"].as_str().unwrap_or_default().to_owned();
            let mut types = Vec::new();
            let mut anonymous = false;
            for parameter in function["generics"]["params"].as_array().into_iter().flatten() {
                let Some(kind) = parameter["kind"]["type"].as_object() else { continue };
                anonymous |= kind["is_synthetic"] == true;
                let parameter = parameter["name"].as_str().unwrap_or_default();
                if kind["is_synthetic"] != true {
                    types.push((parameter.to_owned(), instances::of(std::slice::from_ref(&name), parameter)));
                }
            }
            let expression = if anonymous {
                // A closure's type has no name: a function of ours calls it with one.
                if of_trait.is_null() {
                    let types: Vec<&str> =
                        own_parameters(block).iter().map(|known| chosen[known].as_str()).collect();
                    format!("shared::wrapped::{}::<{}>", wrapper(owner, &name), types.join(", "))
                } else {
                    format!("shared::wrapped::{name}::<{for_type}>")
                }
            } else if types.is_empty() {
                format!("{self_type}::{name}")
            } else {
                let mut names = Vec::new();
                for (parameter, known) in &types {
                    let known = known.ok_or_else(|| unknown(&format!("{shown}::{name}"), parameter))?;
                    names.push(known[0]);
                }
                format!("{self_type}::{name}::<{}>", names.join(", "))
            };
            let name_of = format!("{shown}::{name}");
            let part = self.part(&block["for"], of_trait);
            self.entries.push(Entry { part, name: name_of, function: name, expression });
        }
        Ok(())
    }

    /// The methods of a trait of the core that this implementation takes as they are.
    fn provided(&self, block: &Value) -> Vec<u64> {
        let Some(of_trait) = number(&block["trait"]["id"]) else { return Vec::new() };
        let provided: Vec<&str> = block["provided_trait_methods"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let own: Vec<u64> = block["items"].as_array().into_iter().flatten().filter_map(number).collect();
        let own: Vec<&Value> = own.iter().map(|id| &self.item(*id)["name"]).collect();
        let members = self.item(of_trait)["inner"]["trait"]["items"].as_array().cloned().unwrap_or_default();
        let members = members.iter().filter_map(number);
        members
            .filter(|id| {
                let name = &self.item(*id)["name"];
                provided.iter().any(|provided| name == provided) && !own.contains(&name)
            })
            .collect()
    }

    /// Whether it is of this crate and can't be named by a user.
    fn is_hidden(&self, named: &Value) -> bool {
        let id = number(&named["id"]);
        id.is_some_and(|id| {
            self.paths[id.to_string()]["crate_id"] == 0 && !self.public.contains_key(&id)
                || self.paths[id.to_string()].is_null() && !self.item(id).is_null()
        })
    }

    /// What the functions are called after: a type, without its parameters unless they are types of the core.
    fn owner(&self, of: &Value) -> String {
        let path = &of["resolved_path"];
        if path.is_null() {
            return self.name_type(of, &Chosen::new()).unwrap_or_else(|_| "&T".to_owned());
        }
        let own = self.path_of(path).unwrap_or_default();
        let inner = path["args"]["angle_bracketed"]["args"].as_array().into_iter().flatten();
        let inner = inner
            .filter(|_| own.ends_with("Builder"))
            .map(|inner| self.owner(&inner["type"]))
            .find(|inner| inner.contains("::"));
        inner.map_or_else(|| own.clone(), |inner| format!("{own}<{inner}>"))
    }

    /// The module that a function belongs to.
    fn part(&self, of: &Value, of_trait: &Value) -> String {
        let path = &of["resolved_path"];
        let inner = &path["args"]["angle_bracketed"]["args"][0]["type"];
        let builder = path["path"].as_str().is_some_and(|path| path.ends_with("Builder"));
        if builder && !inner["resolved_path"].is_null() {
            return self.part(inner, of_trait);
        }
        let id = number(&path["id"]).or_else(|| number(&of_trait["id"])).unwrap_or_default();
        let module = self.paths[id.to_string()]["path"][1].as_str().unwrap_or_default();
        module.to_owned()
    }

    /// How a user names a type or trait, without arguments.
    fn path_of(&self, path: &Value) -> Result<String, Failure> {
        let id = number(&path["id"]).ok_or("a path without a number")?;
        if let Some(known) = self.public.get(&id) {
            return Ok(known.clone());
        }
        let parts =
            self.paths[id.to_string()]["path"].as_array().ok_or_else(|| format!("no path of {path}"))?;
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        Ok(match parts[..] {
            // A type that has no name, and is reached as a part of one that has.
            ["redial", .., name] => format!("shared::{name}"),
            // These modules are private.
            ["rand_core", .., name] => format!("rand_core::{name}"),
            ["core", module @ ("iter" | "ops" | "str"), _, .., name] => format!("core::{module}::{name}"),
            _ => parts.join("::"),
        })
    }

    fn name_path(&self, path: &Value, chosen: &Chosen) -> Result<String, Failure> {
        let mut name = self.path_of(path)?;
        let mut arguments = Vec::new();
        for argument in path["args"]["angle_bracketed"]["args"].as_array().into_iter().flatten() {
            if !argument["type"].is_null() {
                arguments.push(self.name_type(&argument["type"], chosen)?);
            } else if let Some(constant) = argument["const"]["expr"].as_str() {
                arguments.push(chosen.get(constant).cloned().unwrap_or_else(|| constant.to_owned()));
            } else if argument["lifetime"].is_string() {
                arguments.push("'static".to_owned());
            }
        }
        if !arguments.is_empty() {
            name = format!("{name}<{}>", arguments.join(", "));
        }
        Ok(name)
    }

    fn name_type(&self, of: &Value, chosen: &Chosen) -> Result<String, Failure> {
        let (kind, inner) =
            of.as_object().and_then(|of| of.iter().next()).ok_or_else(|| format!("no type: {of}"))?;
        Ok(match kind.as_str() {
            "resolved_path" => self.name_path(inner, chosen)?,
            "primitive" => inner.as_str().unwrap_or_default().to_owned(),
            "generic" => {
                let name = inner.as_str().unwrap_or_default();
                chosen.get(name).cloned().ok_or_else(|| format!("nothing stands for `{name}`"))?
            }
            "borrowed_ref" => {
                let mutable = if inner["is_mutable"] == true { "mut " } else { "" };
                format!("&'static {mutable}{}", self.name_type(&inner["type"], chosen)?)
            }
            "slice" => format!("[{}]", self.name_type(inner, chosen)?),
            "array" => {
                let length = inner["len"].as_str().unwrap_or_default();
                let length = chosen.get(length).map_or(length, String::as_str);
                format!("[{}; {length}]", self.name_type(&inner["type"], chosen)?)
            }
            "tuple" => {
                let inner = inner.as_array().into_iter().flatten();
                let inner: Result<Vec<String>, Failure> =
                    inner.map(|of| self.name_type(of, chosen)).collect();
                format!("({})", inner?.join(", "))
            }
            kind => return Err(format!("a kind of type that was never there: {kind}").into()),
        })
    }
}

fn unknown(owner: &str, parameter: &str) -> Failure {
    format!("nothing stands for the parameter `{parameter}` of {owner}: name a type in ci/no-panic/src/instances.rs").into()
}

/// The names of the parameters that are no lifetimes.
fn own_parameters(of: &Value) -> Vec<String> {
    let parameters = of["generics"]["params"].as_array().into_iter().flatten();
    let named = parameters.filter(|parameter| parameter["kind"]["lifetime"].is_null());
    named.filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned())).collect()
}

/// The names of the traits that a parameter must have.
fn bounds(of: &Value, parameter: &str) -> Vec<String> {
    let own = of["generics"]["params"].as_array().into_iter().flatten();
    own.filter(|own| own["name"] == parameter)
        .flat_map(|own| own["kind"]["type"]["bounds"].as_array().into_iter().flatten())
        .filter_map(|bound| Some(last(bound["trait_bound"]["trait"]["path"].as_str()?).to_owned()))
        .collect()
}

/// The function of `shared::wrapped` that calls one with a closure.
fn wrapper(owner: &str, name: &str) -> String {
    format!("{}_{name}", last(owner).to_lowercase())
}

fn last(path: &str) -> &str {
    path.split('<').next().unwrap_or(path).rsplit("::").next().unwrap_or(path)
}

fn number(of: &Value) -> Option<u64> {
    of.as_u64()
}
