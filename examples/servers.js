// Three MCP servers in one script: calls of all of them at once, and only what matters comes back.
// examples/mcp.json says which servers they are; starting them takes Node.js and uv.
//
//     cargo run -q --release -p code-mode-cli -- run examples/servers.js --config examples/mcp.json

const { mcp__everything__get_structured_content: weather, mcp__everything__get_tiny_image: picture } = tools;
const { mcp__filesystem__list_directory_with_sizes: list, mcp__filesystem__read_text_file: read } = tools;
const { mcp__time__convert_time: convert } = tools;

const CITIES = { "New York": "America/New_York", Chicago: "America/Chicago", "Los Angeles": "America/Los_Angeles" };

// Seven calls of three servers, all under way at once.
const [listing, ...cities] = await Promise.all([
  list({ path: "examples", sortBy: "size" }),
  ...Object.entries(CITIES).map(async ([city, target_timezone]) => {
    const [{ temperature, conditions }, { target }] = await Promise.all([
      weather({ location: city }),
      convert({ source_timezone: "Europe/Berlin", time: "18:00", target_timezone }),
    ]);
    return `${city}: ${target.datetime.slice(11, 16)}, ${temperature}°, ${conditions.toLowerCase()}`;
  }),
]);
text("When it is 18:00 in Berlin");
for (const city of cities) text(`  ${city}`);

// What the answers say decides what is asked next: the first line of each of the smallest scripts.
const scripts = [...listing.content.matchAll(/(\S+\.js)\s/g)].map(([, name]) => name);
const smallest = scripts.slice(-3);
const heads = await Promise.all(smallest.map((name) => read({ path: `examples/${name}`, head: 1 })));
text(`The smallest of ${scripts.length} scripts`);
for (const [i, { content }] of heads.entries()) text(`  ${smallest[i]}: ${content.replace("// ", "")}`);

// A call that fails rejects, and the server's whole answer is in `result`.
const { name, result } = await read({ path: "examples/no-such-file" }).catch((error) => error);
text(`${name}, isError: ${result.isError}`);

// Results that are no text are MCP's content blocks; an image goes to whoever reads the output.
for (const item of await picture()) if (item.type === "image") image(item);
