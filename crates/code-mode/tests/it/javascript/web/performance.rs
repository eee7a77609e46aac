//! `performance`.

use super::holds;

#[tokio::test]
async fn the_clock_starts_with_the_cell_and_is_as_fine_as_that_of_date() {
    holds(
        "const before = performance.now();
         same(Number.isInteger(before), true);
         same(before >= 0 && before < 600_000, true, 'from the start of the cell');
         await new Promise((resolve) => setTimeout(resolve, 5));
         same(performance.now() >= before + 5, true, 'it goes on');
         let last = 0;
         for (let i = 0; i < 1000; i++) { const now = performance.now(); if (now < last) fails('went back'); last = now; }
         const { timeOrigin } = performance;
         same(Number.isInteger(timeOrigin), true);
         same(Math.abs(timeOrigin + performance.now() - Date.now()) < 60_000, true, 'timeOrigin');
         same(performance.timeOrigin, timeOrigin);
         like(performance, { timeOrigin });
         like(performance.toJSON(), { timeOrigin });
         same(performance instanceof EventTarget, true);
         same(Object.prototype.toString.call(performance), '[object Performance]');
         throws('TypeError', () => performance.now.call({}));
         throws('TypeError', () => new performance.constructor());",
    )
    .await;
}
