//! Says whether the API's documents, whose samples some tests read, lie beside the crate: without them
//! those tests are listed as ignored, with the reason.

use std::path::Path;

fn main() {
    // Of this run: checkouts that share a target folder share the built script.
    let root = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo tells where the crate lies");
    let seeds = Path::new(&root).join("../shared/seeds");
    println!("cargo::rustc-check-cfg=cfg(seeds)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", seeds.display());
    if seeds.is_dir() {
        println!("cargo::rustc-cfg=seeds");
    }
}
