"""A small MCP server on standard streams that says its secret, the variable SECRET, wherever it can: on
standard error, in its log, in an error of the protocol, in a result that is an error, and encoded in
several ways.
"""

import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[3] / "code-mode-mcp" / "tests" / "servers"))

from stdio_server import Server, text, tool  # noqa: E402

SECRET = os.environ["SECRET"]
ENCODED = quote(SECRET, safe="")
LOWER = re.sub("%..", lambda found: found[0].lower(), ENCODED)
SPELLINGS = " ".join([SECRET, ENCODED, LOWER, quote(SECRET), json.dumps(SECRET)])


class Leaky(Server):
    name = "leaky"
    tools = [tool("result", "Fails."), tool("refuse", "Refuses.")]

    def call(self, request, name, arguments):
        print(f"called with {SPELLINGS}", file=sys.stderr, flush=True)
        if name == "result":
            self.result(request, {**text(f"failed: {SPELLINGS}"), "isError": True})
        else:
            self.error(request, -32000, f"refused: {SPELLINGS}")


Leaky().run()
