//! Which system calls a worker has left, and what becomes of the others.
//!
//! Three answers:
//!
//! - **Allowed** is what V8, Rust's standard library, tokio and libc need to compute, to start threads,
//!   to wait, and to read and write descriptors that are open.
//! - **Ended** (`SECCOMP_RET_KILL_PROCESS`) is what nothing here ever calls and what an attacker would:
//!   who gets that far gets no second attempt.
//! - **Everything else** fails with `ENOSYS`, as on a kernel that does not have it. V8 and libc look
//!   for files under `/proc` and `/sys` and do without them; a later libc tries system calls that do not
//!   exist yet, and `clone3`, whose flags are out of a filter's reach, before `clone`.
//!
//! The kernel remembers which calls are allowed whatever their arguments, so that those cost nothing
//! to look up; that is why the frequent ones have no conditions.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// By system call; the processors that filters know all have 64 bits.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Restricts the calling thread and all that it starts; the error says why not.
pub(super) fn restrict() -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| "the filter does not know this processor".to_owned())?;
    let build = |error: BackendError| format!("the filter cannot be built ({error})");
    let ended = ended().and_then(|rules| {
        program(
            rules,
            SeccompAction::Allow,
            SeccompAction::KillProcess,
            arch,
        )
    });
    let allowed = allowed().and_then(|rules| {
        let enosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        program(rules, enosys, SeccompAction::Allow, arch)
    });
    // The strictest answer of the two counts. The one that allows comes last: it forbids the other.
    for filter in [ended.map_err(build)?, allowed.map_err(build)?] {
        seccompiler::apply_filter(&filter)
            .map_err(|error| format!("the system refused it ({error})"))?;
    }
    Ok(())
}

fn program(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
    arch: TargetArch,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, otherwise, matched, arch)?.try_into()
}

/// Allowed whatever the arguments.
const ALLOWED: &[c_long] = &[
    // Memory. There is no file to map.
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_pkey_alloc,
    libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect,
    libc::SYS_membarrier,
    // Threads of this process; V8 asks how they are scheduled.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_getcpu,
    // Who it is, which is no secret.
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    // Signals to itself.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Clocks, chance, and what was used.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    // Without it V8 ends the process.
    libc::SYS_uname,
    // Descriptors that are open, and waiting for them.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_shutdown,
    libc::SYS_close,
    libc::SYS_ppoll,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
];

/// Ends the process whatever the arguments.
const ENDED: &[c_long] = &[
    // Other programs and processes. `clone` is below.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // The network and messages between processes.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
    // Ways around this filter, and wide parts of the kernel.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_fanotify_init,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    // Rights, namespaces and the system itself.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
];

/// What a thread shares with the process that starts it, for libc and everybody else.
const THREAD_FLAGS: u64 = (libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD) as u64;

/// What makes a `clone` more than a thread.
const NAMESPACE_FLAGS: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_PTRACE
    | libc::CLONE_VFORK) as u64;

fn allowed() -> Result<Rules, BackendError> {
    let mut rules = any(ALLOWED);
    let own = u64::from(std::process::id());
    add(
        &mut rules,
        libc::SYS_clone,
        [vec![bits(0, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS)?]],
    )?;
    add(&mut rules, libc::SYS_tgkill, [vec![is(0, own)?]])?;
    // For itself alone: a filter cannot tell other threads of this process from other processes.
    for call in [libc::SYS_getpriority, libc::SYS_setpriority] {
        let own = vec![is(0, u64::from(libc::PRIO_PROCESS))?, is(1, 0)?];
        add(&mut rules, call, [own])?;
    }
    // Asking for limits; libc does so for the size of a stack.
    add(
        &mut rules,
        libc::SYS_prlimit64,
        [vec![is(0, 0)?, address(2, 0)?]],
    )?;
    add(
        &mut rules,
        libc::SYS_prctl,
        [
            vec![is(0, flag(libc::PR_SET_NAME))?],
            vec![is(0, flag(libc::PR_SET_VMA))?],
        ],
    )?;
    // The pipe may be a socket, which is connected already.
    add(&mut rules, libc::SYS_sendto, [vec![address(4, 0)?]])?;
    // tokio has a pair of sockets for signals, connected to each other and to nothing else.
    let kind = 0xf; // the other bits are flags of the descriptors
    add(
        &mut rules,
        libc::SYS_socketpair,
        [vec![
            is(0, flag(libc::AF_UNIX))?,
            bits(1, kind, flag(libc::SOCK_STREAM))?,
        ]],
    )?;
    let commands = [
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::F_DUPFD_CLOEXEC,
    ];
    let commands = commands.map(|command| Ok(vec![is(1, flag(command))?]));
    add(
        &mut rules,
        libc::SYS_fcntl,
        commands
            .into_iter()
            .collect::<Result<Vec<_>, BackendError>>()?,
    )?;
    add(&mut rules, libc::SYS_ioctl, [vec![is(1, libc::FIONBIO)?]])?;
    Ok(rules)
}

fn ended() -> Result<Rules, BackendError> {
    let mut rules = any(ENDED);
    let own = u64::from(std::process::id());
    add(
        &mut rules,
        libc::SYS_clone,
        [vec![bits(0, flag(libc::CLONE_THREAD), 0)?]],
    )?;
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?;
    add(&mut rules, libc::SYS_tgkill, [vec![other]])?;
    Ok(rules)
}

fn any(calls: &[c_long]) -> Rules {
    let calls = calls.iter();
    calls.map(|call| (*call, Vec::new())).collect()
}

/// Adds alternatives, each of conditions that hold together.
fn add(
    rules: &mut Rules,
    call: c_long,
    alternatives: impl IntoIterator<Item = Vec<SeccompCondition>>,
) -> Result<(), BackendError> {
    let alternatives = alternatives.into_iter().map(SeccompRule::new);
    let alternatives = alternatives.collect::<Result<_, _>>()?;
    rules.insert(call, alternatives);
    Ok(())
}

/// A constant of the C headers as an argument is compared: 32 bits of it, as the kernel takes it.
fn flag(constant: libc::c_int) -> u64 {
    u64::from(constant.cast_unsigned())
}

fn is(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn address(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

fn bits(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::MaskedEq(mask),
        value,
    )
}
