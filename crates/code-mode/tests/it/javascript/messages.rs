//! Whole error messages, as the model sees them.

use crate::snapshot::assert_snapshot;
use crate::support::run;

/// Scripts that fail; each text is kept in `messages.txt`.
const SCRIPTS: &[&str] = &[
    // What went wrong, and where.
    "const rows = await tools.echo([{ id: 1 }]);\nfunction total(rows) {\n  return rows.reduce((sum, row) => sum + row.price.amount, 0);\n}\ntext(total(rows));",
    "const rows = (await tools.echo({ list: [{ id: 1 }] })).list;\nfunction total(rows) {\n  return rows.reduce((sum, row) => sum + row.price.amount, 0);\n}\ntext(total(rows));",
    "const user = { name: 'Ada' }};\ntext(user);",
    "await tools.fial({ message: 'x' });",
    "async function load(id) {\n  try {\n    return await tools.fail({ message: `no row ${id}` });\n  } catch (cause) {\n    throw new Error('loading failed', { cause });\n  }\n}\nawait load(7);",
    "await Promise.any([tools.fail({ message: 'first' }), tools.fail({ message: 'second' })]);",
    "const a = new Error('a'), b = new Error('b', { cause: a });\na.cause = b;\nthrow a;",
    "throw new AggregateError([1, 2, 3, 4, 5].map((n) => new RangeError(`item ${n}`)), 'several');",
    "throw new Error('outer', { cause: { code: 404, url: '/x' } });",
    // TypeScript and code fences.
    "interface Row { id: number }\nconst rows: Row[] = [];\nconst first = rows[0] as Row;\ntext(first.id);",
    "```ts\nconst n: number = 1;\nn.missing();\n```",
    "enum Color { Red, Green }\ntext(Color.Red);",
    "class User {\n  constructor(private name: string) {}\n}\nnew User('Ada');",
    "let x: number = 1;\nlet x: string = '';",
    // Slips.
    "text(await echo({ a: 1 }));",
    "await ecoh({ a: 1 });",
    "const rows = tools.echo({ list: [1] });\nfor (const row of rows) text(row);",
    "const result = tools.echo({ list: [1] });\ntext(result.list.map((n) => n + 1));",
    "const list = tools.echo({ list: [1] });\ntext(list.map((n) => n + 1));",
    "text(tools.echo({}).map((n) => n));",
    "text(JSON.parse(tools.echo({})));",
    "const fs = require('fs');\ntext(fs.readFileSync('x'));",
    "const response = await fetch('https://example.com');\ntext(await response.text());",
    "text(process.env.HOME);",
    "import fs from 'fs';\ntext(fs);",
    "{\"code\": \"text(1)\"}",
    "{\"path\": \"x\", \"limit\": 5}",
    "Here is the script:\n```js\ntext(1)\n```",
    "#!/bin/bash\necho hi | wc -c",
    "curl https://example.com/api?q=1",
    "ls -la",
    "import os\nprint(os.listdir('.'))",
    "def total(rows):\n    return sum(rows)\nprint(total([1]))",
    "for row in rows:\n    print(row)",
    "print('hi')",
    "const ok = True;",
    "const value = await tools.echo({ a: 1 });\nreturn value;",
    "function load() {\n  return await tools.echo({});\n}\ntext(load());",
    "[1, 2].forEach((n) => {\n  const row = await tools.echo({ n });\n  text(row);\n});",
    "async () => {\n  text(await tools.echo({ a: 1 }));\n}",
    "async function main() {\n  text(await tools.echo({ a: 1 }));\n}",
    "export default async function run() {\n  text(1);\n}",
    "const main = async (): Promise<void> => {\n  text(1);\n};",
    "if (true) {\n  text(1);",
];

#[tokio::test]
async fn error_messages_are_those_of_the_snapshot() {
    let mut told = String::new();
    for script in SCRIPTS {
        let response = run(script).await;
        let error = response
            .error_text()
            .unwrap_or_else(|| panic!("did not fail: {script}"));
        told.push_str(&format!("=== script\n{script}\n--- error\n{error}\n\n"));
    }
    assert_snapshot("javascript/messages.txt", &told);
}
