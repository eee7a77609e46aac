// Writes and reads JSON: a thousand records, as a tool that lists things would give them.
const records = Array.from({ length: 1000 }, (_, id) => ({
  id,
  name: `record ${id}`,
  tags: ["alpha", "beta", `tag-${id % 17}`],
  position: { x: id * 0.25, y: -id / 3 },
  note: id % 5 === 0 ? null : 'a "quoted" line\nand another — with a dash',
  done: id % 2 === 0,
}));
let checksum = 0;
for (let round = 0; round < 20; round++) {
  const read = JSON.parse(JSON.stringify(records));
  read[round].name += "!";
  checksum = (checksum * 31 + JSON.stringify(read).length) % 1000003;
}
text(String(checksum));
