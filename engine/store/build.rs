//! Compiles the crate again when a migration is added: `migrate!` alone sees changes, not new files.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
