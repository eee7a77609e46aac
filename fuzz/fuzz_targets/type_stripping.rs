//! TypeScript to JavaScript. Any text: nothing moves. Text that begins with a zero byte makes a program
//! in both languages: the one becomes the other.
#![no_main]

use code_mode::fuzzing::{self, Stripped};
use code_mode_fuzz::pairs::Pair;
use code_mode_fuzz::places::assert_nothing_moved;
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, bytes)) => {
            if let Ok(pair) = Pair::program(&mut Unstructured::new(bytes)) {
                types_go_and_nothing_else(&pair);
            }
        }
        _ => {
            if let Ok(text) = std::str::from_utf8(data) {
                nothing_moves(text);
            }
        }
    }
});

fn nothing_moves(text: &str) {
    let stripped = fuzzing::strip(text);
    match &stripped {
        // A `;` where a statement ended with a type; a `)` behind one between parameters and arrow.
        Stripped::JavaScript(javascript) => assert_nothing_moved(text, javascript, ";)("),
        Stripped::Refused(offset, _) => assert!(text.is_char_boundary(*offset)),
        Stripped::NotTypeScript => {}
    }
    assert_eq!(stripped, fuzzing::strip(text));
    if let Some(offset) = fuzzing::read(text) {
        assert!(text.is_char_boundary(offset));
    }
}

fn types_go_and_nothing_else(pair: &Pair) {
    nothing_moves(&pair.typescript);
    let tokens = |text: &str| text.replace([' ', ';', '\n'], "");
    let expected = tokens(&pair.javascript);
    match fuzzing::strip(&pair.typescript) {
        Stripped::JavaScript(javascript) => {
            assert_eq!(tokens(&javascript), expected, "of:\n{}", pair.typescript);
        }
        other => assert_eq!(
            tokens(&pair.typescript),
            expected,
            "{other:?} of:\n{}",
            pair.typescript
        ),
    }
}
