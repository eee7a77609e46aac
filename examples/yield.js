// Timers, output as it is produced, and words beside it. yield_control() hands the output so far to
// whoever waits for the script, which goes on meanwhile; notify() does not go into the output.
//
//     cargo run -q --release -p code-mode-cli -- run examples/yield.js

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const reminder = setTimeout(() => text("never said: cleared below"), 60_000);

for (const step of ["fetch", "sort", "print"]) {
  notify(`working on: ${step}`);
  await sleep(20);
  text(`${step}: done`);
  yield_control();
}

clearTimeout(reminder);
setTimeout(() => {
  text("leaving from a timer");
  exit();
}, 10);
await sleep(60_000);
text("never said: exit() ends the script wherever it stands");
