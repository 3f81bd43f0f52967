//! Says whether the API's documents, whose samples some tests read, lie beside the crate: without them
//! those tests are listed as ignored, with the reason.

use std::path::Path;

fn main() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
    println!("cargo::rustc-check-cfg=cfg(seeds)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", seeds.display());
    if seeds.is_dir() {
        println!("cargo::rustc-cfg=seeds");
    }
}
