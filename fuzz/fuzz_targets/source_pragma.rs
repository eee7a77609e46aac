//! Any text as what was sent to run: its pragma and its code fence.
#![no_main]

use code_mode::{ExecSourceError, fuzzing, parse_exec_source};
use code_mode_fuzz::places::assert_nothing_moved;
use libfuzzer_sys::fuzz_target;

const PREFIX: &str = "// @exec:";
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

fuzz_target!(|text: &str| {
    let parsed = parse_exec_source(text);
    assert_eq!(parsed, parse_exec_source(text));
    match parsed {
        Ok(parsed) => {
            assert_eq!(parsed.source, text);
            let asked = [parsed.yield_time_ms, parsed.max_output_tokens];
            assert!(
                asked
                    .iter()
                    .flatten()
                    .all(|asked| *asked <= MAX_SAFE_INTEGER)
            );
            let is_plain = !text.contains(PREFIX);
            assert!(!is_plain || asked == [None, None], "asked for by nobody");
        }
        Err(ExecSourceError::Blank) => {
            let program = fuzzing::program(text);
            let is_pragma = |line: &str| line.starts_with(PREFIX);
            assert!(
                program
                    .lines()
                    .all(|line| line.trim().is_empty() || is_pragma(line))
            );
        }
        Err(error) => {
            assert!(text.contains(PREFIX), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
    let program = fuzzing::program(text);
    assert_nothing_moved(text, &program, "");
});
