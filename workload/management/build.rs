//! Builds again when the web UI was built again, because its files are embedded. The profile `dev` reads them from the disk.

fn main() {
    let folder = "../ui/dist";
    // Cargo treats a missing folder as changed, each time. Without files nothing is embedded either way.
    let _ = std::fs::create_dir_all(folder);
    let is_embedded = std::env::var("PROFILE").is_ok_and(|profile| profile != "debug");
    println!("cargo:rerun-if-changed={}", if is_embedded { folder } else { "build.rs" });
}
