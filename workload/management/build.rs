//! Rebuilds the crate when the web UI was built, since its files are embedded. The profile `dev` reads them from disk.

fn main() {
    let folder = "../ui/dist";
    // Cargo rebuilds every time while the folder is missing. An empty one embeds nothing.
    let _ = std::fs::create_dir_all(folder);
    let is_embedded = std::env::var("PROFILE").is_ok_and(|profile| profile != "debug");
    println!("cargo:rerun-if-changed={}", if is_embedded { folder } else { "build.rs" });
}
