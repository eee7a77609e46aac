// What a script stores, the next run finds: a counter.
//
//     cargo run -q --release -p code-mode-cli -- run examples/store.js --store target/counter.json

const { runs } = load("counter") ?? { runs: 0 };
store("counter", { runs: runs + 1 });

text(runs === 0 ? "This is the first run." : `This is run ${runs + 1}.`);
