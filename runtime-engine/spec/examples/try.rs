use serverless_spec::{check, diagnostic::{Diagnostics, render}, source::Sources, tree};
fn main() {
    for path in std::env::args().skip(1) {
        let mut sources = Sources::new();
        let file = sources.add(path.clone(), std::fs::read_to_string(&path).unwrap());
        let mut found = Diagnostics::default();
        if let Some(root) = tree::read(&sources, file, &mut found) { check(&root, &mut found); }
        for d in found.into_sorted() { println!("{}\n", render(&d, &sources, false)); }
    }
}
