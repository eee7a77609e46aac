//! What a worker process does to itself that the language cannot vouch for: descriptors and variables may
//! belong to somebody. Called while the process has one thread and owns nothing yet.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};

use rustix::fs::FileType;

/// Takes variables out of the environment.
pub(crate) fn remove_variables(names: &[OsString]) {
    for name in names {
        // SAFETY: the process has one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
}

/// Closes every descriptor but these.
pub(crate) fn close_all_descriptors_but(kept: &BTreeSet<i32>) {
    let mut first = 0;
    for fd in kept {
        close_range(first, fd - 1);
        first = fd + 1;
    }
    close_range(first, i32::MAX);
}

/// Closes the descriptors from `first` to `last`; none if `last` is less.
fn close_range(first: i32, last: i32) {
    if last < first {
        return;
    }
    // SAFETY: the call takes numbers alone. The process has opened nothing itself yet, so that whatever
    // is behind them came from the parent and is owned by no value here.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if closed == 0 {
        return;
    }
    // Linux before 5.9: one by one, as many as there can be.
    let last = last.min(most_descriptors() - 1);
    for fd in first..=last {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

fn most_descriptors() -> i32 {
    // SAFETY: the call takes a number alone.
    let most = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) };
    i32::try_from(most)
        .ok()
        .filter(|most| *most > 0)
        .unwrap_or(1 << 20)
}

/// Leaves a descriptor open for good if its number is below `bound`, and closes it otherwise.
pub(crate) fn leave_open_below(fd: OwnedFd, bound: i32) {
    if fd.as_raw_fd() < bound {
        let _ = fd.into_raw_fd();
    }
}

/// Whether a descriptor is open and is a regular file.
pub(crate) fn is_regular_file(fd: i32) -> bool {
    if fd < 0 {
        return false;
    }
    // SAFETY: it is borrowed for the one call below, which only fails if it is not open; nobody else
    // runs who could close it.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    rustix::fs::fstat(fd)
        .is_ok_and(|about| FileType::from_raw_mode(about.st_mode) == FileType::RegularFile)
}
