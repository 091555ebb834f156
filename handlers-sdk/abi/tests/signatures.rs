//! Each member of the Rust mirror has the type that `faas.h` gives it, down to the parameters of every function.
//!
//! The layout test sees sizes; two functions of different parameters have the same size.

mod common;

use common::header;

const TABLES: &str = include_str!("../src/tables.rs");
const VALUES: &str = include_str!("../src/values.rs");
const SERVICES: &str = include_str!("../src/services.rs");

fn squeezed(source: &str) -> String {
    let code = source.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect()
}

/// Drops `name:` before parameters and a comma before the closing bracket.
fn without_names(function: &str) -> String {
    let (head, rest) = function.split_once("fn(").expect("a function type");
    let (params, result) = rest.rsplit_once(')').expect("a function type");
    let params: Vec<&str> = params
        .split(',')
        .filter(|param| !param.is_empty())
        .map(|param| param.split_once(':').map_or(param, |(_, of_type)| of_type))
        .collect();
    format!("{head}fn({}){result}", params.join(","))
}

/// Returns the mirror's function types with a name, e.g. `CreateFn`.
fn aliases() -> Vec<(String, String)> {
    let source = squeezed(TABLES) + &squeezed(SERVICES);
    let aliases = source.split("pubtype").skip(1);
    aliases
        .map(|alias| {
            let (name, rest) = alias.split_once('=').expect("an alias");
            (name.to_owned(), without_names(rest.split_once(';').expect("an alias").0))
        })
        .collect()
}

/// Returns members and types of a struct of the mirror.
fn mirrored(name: &str) -> Vec<(String, String)> {
    let source = squeezed(TABLES) + &squeezed(VALUES) + &squeezed(SERVICES);
    let (_, rest) = source.split_once(&format!("pubstruct{name}{{")).unwrap_or_else(|| panic!("no struct {name}"));
    let (body, _) = rest.split_once('}').expect("a struct has an end");
    let members = body.split("pub").filter(|member| !member.is_empty());
    members
        .map(|member| {
            let (member, of_type) = member.split_once(':').expect("a member has a type");
            let of_type = of_type.trim_end_matches(',');
            let inner = of_type.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>'));
            let of_type = match inner {
                Some(inner) if inner.contains("fn(") => format!("Option<{}>", without_names(inner)),
                _ => of_type.to_owned(),
            };
            (member.to_owned(), of_type)
        })
        .collect()
}

fn with_aliases_spelt_out(mut of_type: String) -> String {
    for _ in 0..2 {
        for (name, function) in aliases() {
            of_type = of_type.replace(&format!("Option<{name}>"), &format!("Option<{function}>"));
        }
    }
    of_type
}

#[test]
fn each_member_has_the_headers_type() {
    let structs = header::structs();
    assert_eq!(structs.len(), 14, "four values, four tables of modules and hosts, six of services");
    for one in structs {
        let expected: Vec<(String, String)> =
            one.members.iter().map(|(name, of_type)| (name.clone(), of_type.in_rust())).collect();
        let name = header::Type::Named(one.name.clone()).in_rust();
        let found: Vec<(String, String)> =
            mirrored(&name).into_iter().map(|(member, of_type)| (member, with_aliases_spelt_out(of_type))).collect();
        assert_eq!(found, expected, "{}", one.name);
    }
}

#[test]
fn the_entry_has_the_headers_type() {
    let (_, found) = aliases().into_iter().find(|(name, _)| name == "ModuleEntry").expect("the mirror names the entry");
    assert_eq!(found, header::entry().function_in_rust());
}
