// The smallest script: text goes to standard output, top-level await works, and nothing is shared
// with any other run.
//
//     cargo run -q --release -p code-mode-cli -- run examples/hello.js

const planets = await Promise.all(["Mercury", "Venus", "Earth"].map(async (name) => name.toUpperCase()));

text(`Hello, ${planets.join(", ")}!`);
text({ planets: planets.length, longest: Math.max(...planets.map((name) => name.length)) });
