//! Names that cannot be guessed.

/// 128 random bits, in hexadecimal.
///
/// # Panics
/// When the operating system has no randomness to give, without which no handle is safe.
pub(super) fn random_handle() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
