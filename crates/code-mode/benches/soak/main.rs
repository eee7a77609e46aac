//! A soak: many sessions at once run good cells and hostile ones for minutes, and nothing of the process
//! may grow, no answer may be wrong, and none may be lost.
//!
//!     cargo bench -p code-mode --bench soak                          ten minutes
//!     cargo bench -p code-mode --bench soak -- --minutes 0.2         a quick look
//!     cargo bench -p code-mode --bench soak -- --help                all options
//!     cargo bench -p code-mode --bench soak --features worker-processes -- --isolation process
//!                                                                    ten minutes in worker processes
//!
//! A warm-up brings the process to its steady state: V8, the runtime's threads, what the allocator keeps.
//! Then the figures are taken, before and after each of three rounds, each time when the process has come
//! to rest: no cell, no lost thread but the parked ones, as many isolates standing by as do when there is
//! nothing to do. The figures are of this process and of its children; Linux tells them.
//!
//! All sessions but one come and go, and their workers with them. One lasts, and runs all that leaves nothing
//! behind, one cell at a time: what a session or its worker gathered over time would be seen in it. At rest
//! there are two workers, its own and the one that the pool keeps warm, so that like is compared with like
//! whichever processes they are.
//!
//! It fails, with exit code 1, if an answer was not as its script has it, if one did not come in bounded
//! time (`patience.rs`), or if something grew: threads, descriptors and workers must be as many as before and
//! zombies none, memory and mappings may be more by some slack. The table shows the most that there may be
//! of each. A worker's socket gets a thread that writes to it when it is full for the first time: of those
//! there may be one for each worker. The latency of a cell that does next to nothing is judged in words only,
//! for other work of the machine is in it.
//!
//! That it can fail is seen with `--leak`.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the soak needs Linux, which tells what a process has");
}

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod dice;
#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod kinds;
#[cfg(target_os = "linux")]
mod latency;
#[cfg(target_os = "linux")]
mod leak;
#[cfg(target_os = "linux")]
mod mode;
#[cfg(target_os = "linux")]
mod patience;
#[cfg(target_os = "linux")]
mod procfs;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod seat;
#[cfg(target_os = "linux")]
mod soak;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    #[cfg(feature = "worker-processes")]
    if std::env::args().nth(1).as_deref() == Some("worker") {
        code_mode::worker::run();
    }
    soak::main()
}
