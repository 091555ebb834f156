//! Every public type, trait, macro and free function of the SDK has an example in its own documentation. This reads the
//! sources and runs no example: `cargo test --doc` does.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Item, ItemMacro, Token, UseTree, Visibility};

/// The sources of a crate, by their paths from its folder `src`.
type Files = BTreeMap<String, String>;

/// An item that users could name if its module were public.
struct Named {
    file: String,
    has_example: bool,
    is_hidden: bool,
}

/// A re-export: the module that it stands in, and the whole path of the item or module that it names.
struct Export {
    within: String,
    of: String,
}

/// The items of a crate by their paths, `events::aws::sqs::Sqs`.
#[derive(Default)]
struct Crate {
    items: BTreeMap<String, Named>,
    /// The modules, with those that are named `pub mod` in every module around them marked `true`.
    modules: BTreeMap<String, bool>,
    exports: Vec<Export>,
    /// Types that are arguments or replies of functions.
    at_the_edge: BTreeSet<String>,
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn is_pub(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|argument| argument == "hidden")
    })
}

/// Returns the text of an attribute such as `#[path = "…"]`.
fn text_of(attribute: &Attribute, name: &str) -> Option<String> {
    let pair = attribute.meta.require_name_value().ok().filter(|pair| pair.path.is_ident(name))?;
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// Returns `true` if the documentation has a block of code that is compiled.
fn has_example(attributes: &[Attribute]) -> bool {
    let is_compiled = |info: &str| {
        info.split(',').map(str::trim).all(|word| {
            matches!(word, "" | "rust" | "no_run" | "should_panic" | "compile_fail" | "standalone_crate")
                || word.starts_with('E')
        })
    };
    let docs = attributes.iter().filter_map(|attribute| text_of(attribute, "doc"));
    let mut fences = docs.filter_map(|line| Some(line.trim().strip_prefix("```")?.to_owned())).step_by(2);
    fences.any(|info| is_compiled(&info))
}

/// The view of an event, as `members!` declares it: its name and documentation, and its members, which are passed over.
struct Members(Vec<(Vec<Attribute>, syn::Ident)>);

impl Parse for Members {
    fn parse(input: ParseStream<'_>) -> syn::Result<Members> {
        let mut views = Vec::new();
        while !input.is_empty() {
            views.push((input.call(Attribute::parse_outer)?, input.parse()?));
            let members;
            syn::braced!(members in input);
            while !members.is_empty() {
                members.call(Attribute::parse_outer)?;
                members.parse::<syn::Ident>()?;
                members.parse::<Token![:]>()?;
                members.parse::<syn::Type>()?;
                members.parse::<Token![=]>()?;
                members.call(syn::punctuated::Punctuated::<syn::LitStr, Token![|]>::parse_separated_nonempty)?;
                members.parse::<Token![,]>()?;
            }
        }
        Ok(Members(views))
    }
}

/// The views that `views!` makes arguments.
struct Views(Vec<syn::Ident>);

impl Parse for Views {
    fn parse(input: ParseStream<'_>) -> syn::Result<Views> {
        let mut views = Vec::new();
        while !input.is_empty() {
            views.push(input.parse()?);
            input.parse::<Token![:]>()?;
            input.parse::<syn::LitStr>()?;
            input.parse::<Token![,]>()?;
            input.parse::<syn::Expr>()?;
            input.parse::<Token![;]>()?;
        }
        Ok(Views(views))
    }
}

/// Lists the whole paths that a `use` in this module names.
fn used(tree: &UseTree, path: &str, found: &mut Vec<String>) {
    match tree {
        UseTree::Path(part) => match part.ident.to_string().as_str() {
            "crate" => used(&part.tree, "", found),
            name => used(&part.tree, &join(path, name), found),
        },
        UseTree::Group(group) => group.items.iter().for_each(|tree| used(tree, path, found)),
        UseTree::Name(name) => found.push(join(path, &name.ident.to_string())),
        UseTree::Rename(rename) => found.push(join(path, &rename.ident.to_string())),
        UseTree::Glob(_) => found.push(path.to_owned()),
    }
}

impl Crate {
    fn read(files: &Files) -> Crate {
        let mut read = Crate::default();
        read.module(files, "lib.rs", "", true);
        read
    }

    /// Reads a module that has a file of its own, and those below it.
    fn module(&mut self, files: &Files, file: &str, path: &str, is_public: bool) {
        let text = files.get(file).unwrap_or_else(|| panic!("there is no file {file} for the module {path}"));
        let items = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")).items;
        self.modules.insert(path.to_owned(), is_public);
        for item in &items {
            match item {
                Item::Struct(item) if is_pub(&item.vis) => self.item(file, path, &item.ident, &item.attrs),
                Item::Enum(item) if is_pub(&item.vis) => self.item(file, path, &item.ident, &item.attrs),
                Item::Trait(item) if is_pub(&item.vis) => self.item(file, path, &item.ident, &item.attrs),
                Item::Type(item) if is_pub(&item.vis) => self.item(file, path, &item.ident, &item.attrs),
                Item::Fn(item) if is_pub(&item.vis) => self.item(file, path, &item.sig.ident, &item.attrs),
                Item::Macro(item) => self.macro_call(file, path, item),
                Item::Impl(item) => {
                    let edge = ["FromInvocation", "IntoReply"];
                    let of = item.trait_.as_ref().and_then(|(_, path, _)| path_end(path));
                    if let (Some(of), syn::Type::Path(this)) = (of, &*item.self_ty)
                        && edge.iter().any(|edge| of == *edge)
                    {
                        self.at_the_edge.extend(path_end(&this.path).map(|this| join(path, &this.to_string())));
                    }
                }
                Item::Use(item) if is_pub(&item.vis) && !is_hidden(&item.attrs) => {
                    let mut found = Vec::new();
                    used(&item.tree, "", &mut found);
                    for of in found {
                        self.exports.push(Export { within: path.to_owned(), of });
                    }
                }
                Item::Mod(item) if item.content.is_none() => {
                    let name = item.ident.to_string();
                    let folder = match file.rsplit_once('/') {
                        Some((folder, "mod.rs")) => format!("{folder}/"),
                        _ if file == "lib.rs" => String::new(),
                        _ => format!("{}/", file.trim_end_matches(".rs")),
                    };
                    let told = item.attrs.iter().find_map(|attribute| text_of(attribute, "path"));
                    let candidates = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
                    let below = told.or_else(|| candidates.into_iter().find(|file| files.contains_key(file)));
                    let below = below.unwrap_or_else(|| panic!("{file}: there is no file for the module {name}"));
                    let is_public = is_public && is_pub(&item.vis) && !is_hidden(&item.attrs);
                    self.module(files, &below, &join(path, &name), is_public);
                }
                _ => {}
            }
        }
    }

    fn item(&mut self, file: &str, module: &str, name: &syn::Ident, attributes: &[Attribute]) {
        let (file, has_example, is_hidden) = (file.to_owned(), has_example(attributes), is_hidden(attributes));
        self.items.insert(join(module, &name.to_string()), Named { file, has_example, is_hidden });
    }

    fn macro_call(&mut self, file: &str, module: &str, item: &ItemMacro) {
        if let Some(name) = &item.ident {
            if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                self.item(file, "", name, &item.attrs);
            }
            return;
        }
        let of = path_end(&item.mac.path).map(ToString::to_string).unwrap_or_default();
        match of.as_str() {
            "members" => {
                let Members(views) = item.mac.parse_body().unwrap_or_else(|error| panic!("{file}: {error}"));
                for (attributes, name) in &views {
                    self.item(file, module, name, attributes);
                }
            }
            "argument" => {
                let view: syn::Ident = item.mac.parse_body().unwrap_or_else(|error| panic!("{file}: {error}"));
                self.at_the_edge.insert(join(module, &view.to_string()));
            }
            "views" => {
                let Views(views) = item.mac.parse_body().unwrap_or_else(|error| panic!("{file}: {error}"));
                self.at_the_edge.extend(views.iter().map(|view| join(module, &view.to_string())));
            }
            _ => {}
        }
    }

    /// Makes the modules public that a public one re-exports, and returns the paths of items that one does.
    fn exported(&mut self) -> BTreeSet<String> {
        let mut items = BTreeSet::new();
        loop {
            let before = (items.len(), self.modules.values().filter(|is_public| **is_public).count());
            for Export { within, of } in &self.exports {
                if self.modules.get(within) != Some(&true) {
                    continue;
                }
                // A path begins at the module itself, or at the crate.
                for path in [join(within, of), of.clone()] {
                    if let Some(is_public) = self.modules.get_mut(&path) {
                        *is_public = true;
                    } else if self.items.contains_key(&path) {
                        items.insert(path);
                    }
                }
            }
            if before == (items.len(), self.modules.values().filter(|is_public| **is_public).count()) {
                return items;
            }
        }
    }

    fn is_in_a_public_module(&self, path: &str) -> bool {
        let module = path.rsplit_once("::").map_or("", |(module, _)| module);
        self.modules.get(module) == Some(&true)
    }

    /// Returns `true` for a part of a vendor's wire form. The example of the event as a whole shows it.
    fn is_part(&self, path: &str) -> bool {
        path.starts_with("events::") && self.is_in_a_public_module(path) && !self.at_the_edge.contains(path)
    }

    /// Returns the items that users can name and that have no example.
    fn without_example(mut self) -> Vec<String> {
        let exported = self.exported();
        let is_public = |path: &str| exported.contains(path) || self.is_in_a_public_module(path);
        let wanted = self.items.iter().filter(|(path, item)| is_public(path) && !item.is_hidden && !self.is_part(path));
        wanted.filter(|(_, item)| !item.has_example).map(|(path, item)| format!("{path} in {}", item.file)).collect()
    }
}

fn path_end(path: &syn::Path) -> Option<&syn::Ident> {
    path.segments.last().map(|segment| &segment.ident)
}

/// Returns the files of a crate of this repository.
fn files(folder: &Path) -> Files {
    fn walk(folder: &Path, root: &Path, found: &mut Files) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                let name = path.strip_prefix(root).expect("it lies below").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("a source is text"));
            }
        }
    }
    let mut found = Files::new();
    walk(folder, folder, &mut found);
    found
}

#[test]
fn what_users_can_name_has_an_example() {
    let sdk = Crate::read(&files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
    assert!(sdk.items.len() > 300, "the sources are read: {} items", sdk.items.len());
    let missing = sdk.without_example();
    assert!(missing.is_empty(), "without an example in their own documentation:\n{}", missing.join("\n"));
}

#[test]
fn each_attribute_and_derive_has_an_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("macros/src/lib.rs");
    let text = fs::read_to_string(&path).expect("the macros are there");
    let items = syn::parse_file(&text).expect("it is Rust").items;
    let is_offered = |attribute: &Attribute| {
        path_end(attribute.path()).is_some_and(|name| name.to_string().starts_with("proc_macro"))
    };
    let offered: Vec<&syn::ItemFn> = items
        .iter()
        .filter_map(|item| match item {
            Item::Fn(item) if item.attrs.iter().any(is_offered) => Some(item),
            _ => None,
        })
        .collect();
    assert!(offered.len() > 5, "the macros are found: {}", offered.len());
    let missing = offered.iter().filter(|item| !has_example(&item.attrs)).map(|item| item.sig.ident.to_string());
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "without an example");
}

#[test]
fn what_is_missing_is_found_by_its_name() {
    let source = |text: &str| text.to_owned();
    let files = Files::from([
        (
            "lib.rs".to_owned(),
            source("mod inner; mod own; pub mod events; pub use inner::{A, B as C, deep}; pub use own::D;"),
        ),
        (
            "inner/mod.rs".to_owned(),
            source("pub mod deep;\n/// A.\n///\n/// ```\n/// ```\npub struct A;\npub enum B {}\npub type Unseen = A;"),
        ),
        (
            "inner/deep.rs".to_owned(),
            source("pub fn free() {}\n#[doc(hidden)]\npub fn glue() {}\npub(crate) fn own() {}"),
        ),
        (
            "own.rs".to_owned(),
            source("/// D.\n/// ```text\n/// ```\npub trait D {}\n#[macro_export]\nmacro_rules! make { () => {} }"),
        ),
        ("events/mod.rs".to_owned(), source("pub mod cloud;")),
        (
            "events/cloud.rs".to_owned(),
            source("members! { Whole { parts: Vec<Part> = \"Parts\" | \"parts\", } Part { } } argument!(Whole);"),
        ),
    ]);
    let missing = Crate::read(&files).without_example();
    assert_eq!(
        missing,
        [
            "events::cloud::Whole in events/cloud.rs",
            "inner::B in inner/mod.rs",
            "inner::deep::free in inner/deep.rs",
            "make in own.rs",
            "own::D in own.rs",
        ]
    );
}
