// Calls run at once. The two ends of a pipe wait for each other: `hear` ends only if `say` runs
// beside it, so that one after the other neither would ever end.
//
//     cargo run -q --release -p code-mode-cli -- run examples/parallel.js \
//       --tool make='pipe=$(mktemp -u) && mkfifo "$pipe" && echo "$pipe"' \
//       --text-tool hear='xargs cat' --text-tool say='read pipe; echo "hello, pipe" > "$pipe"' \
//       --text-tool remove='xargs rm'

const pipes = await Promise.all([1, 2, 3].map(() => tools.make()));

const heard = await Promise.all(
  pipes.map(async (pipe) => {
    const [words] = await Promise.all([tools.hear(pipe), tools.say(pipe)]);
    return words;
  }),
);
text(`Six calls at once: ${heard.join("; ")}`);

// A call that fails rejects with a ToolError and leaves the others alone.
const removed = await Promise.allSettled([...pipes, "/no/such/pipe"].map((pipe) => tools.remove(pipe)));
for (const { status, reason } of removed) text(reason ? `${reason.name}: ${reason.tool} failed` : status);
