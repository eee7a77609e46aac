//! The TypeScript compiler, installed from npm as `tests/tooling/package-lock.json` pins it. The tests
//! of the command use this file too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of packages with the compiler in it, installed if it is not there yet.
pub fn node_modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../code-mode/tests/tooling");
        let lock = fs::read_to_string(manifests.join("package-lock.json")).expect("the lock file");
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tooling");
        fs::create_dir_all(&home).expect("a folder for the installation");

        // Other test processes install at the same time: one does, the others wait.
        let guard = fs::File::create(home.join("guard")).expect("a file to lock");
        guard.lock().expect("the lock of the installation");
        let installed = home.join("installed-lock.json");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == lock) {
            return home.join("node_modules");
        }
        for name in ["package.json", "package-lock.json"] {
            fs::copy(manifests.join(name), home.join(name)).expect("a manifest is copied");
        }
        let npm = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&home)
            .output()
            .expect("these tests need node 20 or newer with npm: install it, or put it on the PATH");
        assert!(
            npm.status.success(),
            "`npm ci` could not install the TypeScript compiler; it needs a registry it can reach: {}",
            String::from_utf8_lossy(&npm.stderr)
        );
        fs::write(&installed, lock).expect("the mark of a finished installation");
        home.join("node_modules")
    })
}
