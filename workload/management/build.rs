//! Builds again when the web UI was built again: its files are embedded.

fn main() {
    let folder = "../ui/dist";
    // Cargo takes a folder that is not there for one that changed, each time. Without one nothing is embedded either way.
    let _ = std::fs::create_dir_all(folder);
    println!("cargo:rerun-if-changed={folder}");
}
