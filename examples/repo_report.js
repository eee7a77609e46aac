// Reports on the git checkout it runs in: the folders with the most lines, the largest file of each,
// and the files that were changed most often. One script, many commands at once, two tables back.
//
//     cargo run -q --release -p code-mode-cli -- run examples/repo_report.js \
//       --tool files='git ls-files -z' --tool changes='git log -n 200 --format= --name-only -z' \
//       --text-tool lines='xargs -0 wc -l -- ; true' --text-tool last='xargs -0 git log -1 --format=%cs --'

const SOURCE = /\.(c|cc|css|go|h|html|java|js|md|py|rb|rs|sh|toml|ts)$/;
const ROWS = 8;

const split = (list) => list.split("\0").filter((path) => SOURCE.test(path));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** The largest first; the same size by name, so that two runs print the same. */
const top = (rows, size, name) =>
  rows.toSorted((a, b) => b[size] - a[size] || (a[name] < b[name] ? -1 : 1)).slice(0, ROWS);

/** The first two folders of a path: enough to see where things are. */
const folderOf = (path) => path.split("/").slice(0, -1).slice(0, 2).join("/") || ".";

/** Lines by path. `wc` prints "  12 path" for each file, and a total, which is no source file. */
async function countLines(paths) {
  const report = await tools.lines(paths.join("\0"));
  const rows = report.split("\n").map((row) => row.match(/^ *(\d+) (.*)$/));
  return rows.filter((row) => row && SOURCE.test(row[2])).map(([, lines, path]) => [path, Number(lines)]);
}

function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => `${row[i]}`.length)));
  const pad = (cell, i) => (typeof cell === "number" ? `${cell}`.padStart(widths[i]) : cell.padEnd(widths[i]));
  for (const row of [head, ...rows]) text(row.map(pad).join("  ").trimEnd());
}

const [files, changes] = await Promise.all([tools.files(), tools.changes()]);

// One call a folder, all under way at once.
const folders = [...Map.groupBy(split(files), folderOf)];
const counts = await Promise.all(folders.map(([, paths]) => countLines(paths)));
const lines = new Map(counts.flat());

text(`${lines.size} source files in ${folders.length} folders, ${sum([...lines.values()])} lines\n`);

const sizes = folders.map(([folder], i) => {
  const sized = counts[i].map(([path, lines]) => ({ path: path.replace(`${folder}/`, ""), lines }));
  const largest = top(sized, "lines", "path")[0] ?? { path: "none is left", lines: 0 };
  return { folder, files: sized.length, lines: sum(sized.map((file) => file.lines)), largest };
});
table(
  ["folder", "files", "lines", "largest file"],
  top(sizes, "lines", "folder").map(({ folder, files, lines, largest }) => [
    folder,
    files,
    lines,
    `${largest.path} (${largest.lines})`,
  ]),
);

// What the answers say decides what is asked next.
const commits = [...Map.groupBy(split(changes), (path) => path)]
  .filter(([path]) => lines.has(path))
  .map(([path, times]) => ({ path, commits: times.length }));
const changed = top(commits, "commits", "path");
const dates = await Promise.all(changed.map(({ path }) => tools.last(path)));

text("");
table(
  ["most changed", "commits", "lines", "last"],
  changed.map(({ path, commits }, i) => [path, commits, lines.get(path), dates[i]]),
);
