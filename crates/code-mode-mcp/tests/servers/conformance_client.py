"""The command that the conformance suite runs as a client: `conformance_client.py CODE_MODE URL`.

Puts the suite's server behind `code-mode run`, by a configuration with the URL in a variable, and runs a
script that calls each of its tools. One scenario needs a person who answers: that one goes through
`code-mode mcp`, with the Python SDK as the client that has one.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CODE_MODE, URL = sys.argv[1:]
SCENARIO = os.environ["MCP_CONFORMANCE_SCENARIO"]
CONTEXT = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
OURS = Path(__file__).parent

# What tools get that take something, by the name of the tool.
ARGUMENTS = {
    "add_numbers": [{"a": 5, "b": 3}],
    "lookup_user": [{"id": "u-1"}],
    "valid_tool": [{"region": "us-west1"}],
}

SCRIPT = """
const calls = Object.entries(tools).flatMap(([name, tool]) =>
    (GIVEN[name.replace(/^judge__/, "")] ?? [{}]).map((given) => ({ name, tool, given })));
await Promise.all(calls.map(async ({ name, tool, given }) => {
    try {
        text([name, await tool(given)]);
    } catch (error) {
        text(`${name}: ${error.message}`);
    }
}));
"""


def without_nulls(arguments):
    """What a script leaves out, since the schemas of the suite allow no null."""
    return {name: value for name, value in arguments.items() if value is not None}


def given():
    arguments = {name: list(calls) for name, calls in ARGUMENTS.items()}
    for call in CONTEXT.get("toolCalls", []):
        arguments.setdefault(call["name"], []).append(without_nulls(call["arguments"]))
    return arguments


def code_mode(*arguments, **options):
    configuration = ["--config", "servers.json", "--short-names"]
    return subprocess.run([CODE_MODE, *arguments, *configuration], **options)


def call_all(arguments):
    Path("script.js").write_text(f"const GIVEN = {json.dumps(arguments)};\n{SCRIPT}")
    return code_mode("run", "script.js").returncode


def echo_schema():
    """Sends a tool's schema back as we list it."""
    listed = code_mode("tools", "--json", stdout=subprocess.PIPE, check=True)
    tools = {tool["tool"]: tool for tool in json.loads(listed.stdout)}
    schema = tools["json_schema_2020_12_tool"]["inputSchema"]
    return call_all({"json_schema_echo": [{"schema": schema}]})


def accept_defaults():
    """Has a person accept what the server's form proposes."""
    script = "text(await tools.judge__test_client_elicitation_defaults({}));"
    defaults = {"name": "John Doe", "age": 30, "score": 95.5, "status": "active", "verified": True}
    plan = {
        "server": {
            "command": CODE_MODE,
            "args": ["mcp", "--config", "servers.json", "--short-names"],
            "env": {name: value for name, value in os.environ.items()},
        },
        "mode": "legacy",
        "calls": [{"tool": "exec", "arguments": {"source": script}, "answers": [defaults]}],
    }
    client = [sys.executable, "-B", OURS / "sdk_client.py", json.dumps(plan)]
    return subprocess.run(client).returncode


os.environ["JUDGE_URL"] = URL
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ["XDG_STATE_HOME"] = folder
    configuration = {"mcpServers": {"judge": {"type": "http", "url": "${JUDGE_URL}"}}}
    Path("servers.json").write_text(json.dumps(configuration))
    if SCENARIO == "json-schema-2020-12-preservation":
        code = echo_schema()
    elif SCENARIO == "elicitation-sep1034-client-defaults":
        code = accept_defaults()
    else:
        code = call_all(given())
    os.chdir("/")
sys.exit(code)
