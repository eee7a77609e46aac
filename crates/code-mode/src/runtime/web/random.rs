//! Random values for `crypto`, from the system.

use super::super::Thrown;
use super::super::callbacks::{Arguments, Return, run};
use super::super::string;
use super::bytes::with_bytes;

/// `fillRandom(view)`
pub(super) fn fill_random<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |_, _| with_bytes(args.get(0), fill));
}

/// `randomUuid()`: version 4, in lower case.
pub(super) fn random_uuid<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = format!("{:032x}", u128::from_be_bytes(bytes));
        let groups = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        result.set(string(scope, &groups.join("-")).into());
        Ok(())
    });
}

fn fill(bytes: &mut [u8]) -> Result<(), Thrown> {
    getrandom::fill(bytes).map_err(|error| Thrown::Dom {
        name: "OperationError",
        message: format!("crypto: the system gave no random values: {error}"),
    })
}
