"""An MCP server on standard streams, with the standard library alone: what our own servers share.

It speaks the revisions with a handshake, reads one message at a time, and checks nothing: what a
server does wrong, it does on purpose.
"""

import json
import sys

HANDSHAKE_REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


def text(value):
    """A result of one text."""
    return {"content": [{"type": "text", "text": value}]}


def tool(name, description="", **schema):
    """A tool that takes what these properties say."""
    return {
        "name": name,
        "description": description or f"Does {name}.",
        "inputSchema": {"type": "object", "properties": schema},
    }


class Server:
    """Answers until standard input ends. Subclasses change what they want to do wrong."""

    name = "ours"
    version = "1.0.0"
    instructions = None
    capabilities = {"tools": {"listChanged": True}, "logging": {}}
    tools = []

    def __init__(self):
        self.out = sys.stdout.buffer
        self.asked = 0

    # What goes out.

    def raw(self, data):
        """Writes these bytes, whatever they are."""
        self.out.write(data)
        self.out.flush()

    def send(self, message):
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def notify(self, method, **params):
        self.send({"method": method, "params": params})

    def result(self, request, result):
        self.send({"id": request["id"], "result": result})

    def error(self, request, code, message):
        self.send({"id": request["id"], "error": {"code": code, "message": message}})

    def progress(self, request, progress, total=None):
        """Reports progress if the client wants to hear it."""
        token = request["params"].get("_meta", {}).get("progressToken")
        if token is not None:
            self.notify(
                "notifications/progress", progressToken=token, progress=progress, total=total
            )

    def ask(self, method, params):
        """Asks the client, and returns its whole answer. What else comes meanwhile is dropped."""
        self.asked += 1
        asked = f"asked-{self.asked}"
        self.send({"id": asked, "method": method, "params": params})
        for message in self.messages():
            if message.get("id") == asked and "method" not in message:
                return message
        sys.exit(0)

    # What comes in.

    def messages(self):
        while line := sys.stdin.buffer.readline():
            yield json.loads(line)

    def run(self):
        for message in self.messages():
            if "id" in message and "method" in message:
                self.answer(message)

    def answer(self, request):
        method = request["method"]
        if method == "initialize":
            self.on_initialize(request)
        elif method == "tools/list":
            self.on_list(request)
        elif method == "tools/call":
            self.on_call(request)
        elif method in ("ping", "logging/setLevel"):
            self.result(request, {})
        else:
            # Among them `server/discover`: this server has the handshake alone.
            self.error(request, -32601, f"Method not found: {method}")

    def on_initialize(self, request):
        asked = request["params"]["protocolVersion"]
        result = {
            "protocolVersion": asked if asked in HANDSHAKE_REVISIONS else HANDSHAKE_REVISIONS[-1],
            "capabilities": self.capabilities,
            "serverInfo": {"name": self.name, "version": self.version},
        }
        if self.instructions is not None:
            result["instructions"] = self.instructions
        self.result(request, result)

    def on_list(self, request):
        self.result(request, {"tools": self.tools})

    def on_call(self, request):
        name = request["params"]["name"]
        arguments = request["params"].get("arguments") or {}
        self.call(request, name, arguments)

    def call(self, request, name, arguments):
        self.result(request, text(f"{name} of {self.name}"))
