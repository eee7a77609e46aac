//! Texts of which pieces became blank: nothing that is left may have moved.

/// Panics unless `after` has, in every place of `before`, counted in UTF-16 units as V8 counts columns,
/// the same unit, or in the place of one that ends no line a space or one of `inserted`.
pub fn assert_nothing_moved(before: &str, after: &str, inserted: &str) {
    let (mut old, mut new) = (before.encode_utf16(), after.encode_utf16());
    let mut at = 0;
    loop {
        match (old.next(), new.next()) {
            (None, None) => return,
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) if !ends_line(old) && may_stand(new, inserted) => {}
            (old, new) => panic!("unit {at}: {old:?} became {new:?}\n{before:?}\n{after:?}"),
        }
        at += 1;
    }
}

fn ends_line(unit: u16) -> bool {
    matches!(unit, 0x0a | 0x0d | 0x2028 | 0x2029)
}

fn may_stand(unit: u16, inserted: &str) -> bool {
    unit == u16::from(b' ') || inserted.encode_utf16().any(|other| other == unit)
}
