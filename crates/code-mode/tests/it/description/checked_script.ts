import { describe_tool, text as say, tools as all } from "code-mode";
import { git__log, shell as run } from "tools.js";

const log = await tools.git__log({ path: "README.md", limit: 3 });
const hash: string | undefined = log[0]?.parents[0]?.hash;
say(hash);

// @ts-expect-error: `path` is required.
await git__log({});
// @ts-expect-error: `limit` is a number.
await git__log({ path: "a", limit: "3" });
// @ts-expect-error: there is no such tool.
await tools.git_log({ path: "a" });
// @ts-expect-error: a freeform tool takes a string.
await run({ command: "ls" });

const printed: string = await run("ls", { signal: AbortSignal.timeout(1_000) });
const [first] = printed.split("\n");
text(first);

const weather = await all.weather__now();
const degrees: number | undefined = weather.structuredContent?.degrees;
image(weather.content.find((block) => block.type === "image") ?? "data:,", "low");
store("degrees", degrees);

await tools["git__read-file"]();
text(describe_tool("mail__send"));
const [found] = search_tools("send a mail", { server: "mail", limit: 1 });
text(found?.declaration ?? found?.name);
// @ts-expect-error: the limit is a number.
search_tools("send a mail", { limit: "1" });
text(load_output("out-1-1", { grep: /error/ }).length);

const controller = new AbortController();
controller.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
const timer = setTimeout((name: string) => console.log(name, new URL("https://example.org/?a=1").searchParams.get("a")), 10, "x");
try {
  await tools.git__read_file({ any: "thing" });
} catch (error) {
  if (error instanceof Error && error.name === "ToolError") notify((error as ToolError).tool);
}
// @ts-expect-error: there is no `fetch`.
await fetch("https://example.org");
// @ts-expect-error: there is no `process`.
process.exit();
exit();
