//! Random answers and budgets, held to what holds for all of them.

use std::time::Duration;

use code_mode::{ContentItem, RuntimeResponse};

use super::invariants::check;
use super::{audio, done, failed, image, session, text};

/// SplitMix64: the same answers on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Characters of one to four bytes, lines of any length.
    fn text(&mut self, longest: usize) -> String {
        const CHARACTERS: [char; 8] = ['a', 'b', ' ', '\n', 'é', '→', '😀', '\u{301}'];
        let length = self.below(longest + 1);
        (0..length).map(|_| CHARACTERS[self.below(8)]).collect()
    }

    fn item(&mut self) -> ContentItem {
        match self.below(6) {
            0 => image(),
            1 => audio(1),
            _ => {
                let longest = [0, 5, 50, 500][self.below(4)];
                text(self.text(longest))
            }
        }
    }

    fn response(&mut self) -> RuntimeResponse {
        let items = (0..self.below(8)).map(|_| self.item()).collect();
        match self.below(3) {
            0 => failed(items, &format!("Error: {}", self.text(1_500))),
            _ => done(items),
        }
    }
}

#[test]
fn whatever_the_answer_and_the_budget_nothing_is_torn_lost_or_over() {
    let mut random = Random(3);
    let mut truncated = 0;
    for _ in 0..5_000 {
        let response = random.response();
        let budget = random.below([4, 40, 400, 1_000][random.0 as usize % 4]);
        truncated += usize::from(check(&session(), &response, budget, Duration::ZERO));
    }
    assert!((1_000..4_000).contains(&truncated), "{truncated}");
}
