"""A small MCP server on standard streams that says its secret, the variable SECRET, wherever it can: on
standard error, in errors of the protocol, in a result that is an error; and encoded in several ways. The
variable NAME names a tool. `leaky.py [newest]`: with `newest` it speaks revision 2026-07-28, and refuses
subscriptions.
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
    tools = [
        tool("result", "Fails."),
        tool("refuse", "Refuses."),
        tool(os.environ.get("NAME", "unnamed"), "Is called like a secret."),
    ]

    def answer(self, request):
        method = request["method"]
        if "newest" in sys.argv and method == "server/discover":
            discovered = {
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": self.capabilities,
                "ttlMs": 0,
                "cacheScope": "private",
            }
            self.result(request, discovered)
        elif "newest" in sys.argv and method == "tools/list":
            listed = {"tools": self.tools, "ttlMs": 0, "cacheScope": "private"}
            self.result(request, {"resultType": "complete", **listed})
        elif method == "subscriptions/listen":
            self.error(request, -32000, f"no subscription for {SPELLINGS}")
        else:
            super().answer(request)

    def call(self, request, name, arguments):
        print(f"called with {SPELLINGS}", file=sys.stderr, flush=True)
        if name == "result":
            self.result(request, {**text(f"failed: {SPELLINGS}"), "isError": True})
        elif name == "refuse":
            self.error(request, -32000, f"refused: {SPELLINGS}")
        else:
            self.result(request, text("called"))


Leaky().run()
