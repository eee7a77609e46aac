//! Tests about the whole process run in a process of their own.

use std::process::Command;

const MARK: &str = "CODE_MODE_TEST_ALONE";

/// Runs `body` in a new process of this test binary that runs the test `name` and nothing else.
pub fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        body();
        return;
    }
    let binary = std::env::current_exe().expect("the test binary has a path");
    let output = Command::new(binary)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .expect("the test binary starts");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success(),
        "{name} failed in its own process ({}):\n{said}",
        output.status
    );
    assert!(
        said.contains("1 passed"),
        "{name} did not run in its own process:\n{said}"
    );
    print!("{said}");
}

/// The current thread's runtime for such a test.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the runtime starts")
        .block_on(future)
}

/// Names of this process's threads, where the system tells.
#[cfg(target_os = "linux")]
pub fn thread_names() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("procfs is there");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}
