"""A small MCP server on standard streams that the tests of the command watch: `notes.py [late]`.

It needs the standard library, and what our other servers share. With `late` it begins like a server that
takes long to start: it answers nothing until the client has given up its first question.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "code-mode-mcp" / "tests" / "servers"))

from stdio_server import Server, text, tool  # noqa: E402


def hinted(definition, **hints):
    return {**definition, "annotations": hints}


STRING = {"type": "string"}


class Notes(Server):
    name = "notes"
    tools = [
        hinted(
            tool("say", "Says the text again.\nAs it is.", text=STRING),
            readOnlyHint=True,
        ),
        hinted(tool("wipe", "Wipes a note.", path=STRING), destructiveHint=True),
        tool("meta", "The _meta of the call."),
        tool("hold", "Answers with what comes out of a named pipe.", pipe=STRING),
    ]

    def call(self, request, name, arguments):
        if name == "say":
            self.result(request, text(arguments["text"]))
        elif name == "wipe":
            self.result(request, text(f"wiped {arguments['path']}"))
        elif name == "meta":
            self.result(request, text(json.dumps(request["params"].get("_meta", {}))))
        elif name == "hold":
            self.result(request, text(Path(arguments["pipe"]).read_text()))

    held = None

    def answer(self, request):
        if "late" in sys.argv and request["method"] == "server/discover":
            self.held = request
            return
        if self.held is not None:
            super().answer(self.held)
            self.held = None
        super().answer(request)


Notes().run()
