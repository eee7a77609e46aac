"""A server for the tests of our side towards servers: `upstream.py REVISIONS`.

It answers out of order, and says what reached it: how many calls are in flight at once, which were
cancelled, what came in `_meta`. REVISIONS is `older` (`initialize` alone), `newest` (2026-07-28 alone)
or `shy` (older, and it leaves at anything else). `STATE` in the environment names a folder in which it
counts its starts.
"""

import json
import os
import sys
from pathlib import Path

from stdio_server import Server, text, tool

NEWEST = "2026-07-28"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


class Upstream(Server):
    name = "upstream"
    version = "1.2.3"
    instructions = "Use it in tests."
    tools = [
        tool("echo", "Gives back what it was given.", value={}),
        tool("together", "Answers when `calls` calls of it are in flight.", calls={"type": "integer"}),
        tool("hang", "Never answers. Reports progress when it begins."),
        tool("hanging", "Answers when a call of `hang` is in flight."),
        tool("cancelled", "Answers when a call was cancelled."),
        tool("steps", "Reports progress in `steps` steps.", steps={"type": "integer"}),
        tool("meta", "Gives back the `_meta` of its request."),
        tool("grow", "Adds the tool `grown`, and says so."),
        tool("die", "Writes a last word, and dies."),
        tool("pid", "Gives the number of its process."),
        tool("ask", "Asks a person for their name."),
        tool("again", "Asks a person for ever."),
        tool("fail", "Fails, with a result that says so."),
        tool("refuse", "Fails, with a JSON-RPC error."),
        tool("task", "Answers with something that we do not know."),
    ]

    def __init__(self, revisions):
        super().__init__()
        self.revisions = revisions
        self.tools = list(self.tools)
        self.waiting = []
        self.hanging = {}
        self.told = []
        self.wants_hanging = []
        self.wants_cancelled = []
        self.subscription = None
        self.asking = {}
        if "STATE" in os.environ:
            with open(Path(os.environ["STATE"]) / "starts", "a") as starts:
                starts.write("start\n")

    def run(self):
        for message in self.messages():
            if "method" not in message:
                self.answered(message)
            elif "id" in message:
                self.answer(message)
            elif message["method"] == "notifications/cancelled":
                self.cancelled(message["params"])

    def answer(self, request):
        method = request["method"]
        if method == "server/discover" and self.revisions in ("newest", "honest"):
            self.result(
                request,
                {
                    "resultType": "complete",
                    # One that knows the question, and older revisions alone.
                    "supportedVersions": [NEWEST] if self.revisions == "newest" else ["2025-11-25"],
                    "capabilities": self.capabilities,
                    "instructions": self.instructions,
                    "ttlMs": 0,
                    "cacheScope": "private",
                    "_meta": {
                        "io.modelcontextprotocol/serverInfo": {
                            "name": self.name,
                            "version": self.version,
                        }
                    },
                },
            )
        elif method == "initialize" and self.revisions == "newest":
            self.error(request, -32601, "Method not found: initialize")
        elif method == "server/discover" and self.revisions == "shy":
            sys.exit(3)
        elif method == "subscriptions/listen":
            self.subscription = request["id"]
            self.notify(
                "notifications/subscriptions/acknowledged",
                _meta={SUBSCRIPTION: self.subscription},
                notifications=request["params"]["notifications"],
            )
        else:
            super().answer(request)

    def complete(self, request, result):
        if self.revisions == "newest":
            result = {"resultType": "complete", **result}
        self.result(request, result)

    def on_list(self, request):
        self.complete(request, {"tools": self.tools, "ttlMs": 0, "cacheScope": "private"})

    def call(self, request, name, arguments):
        say = lambda value: self.complete(request, text(json.dumps(value)))
        if name == "echo":
            self.complete(
                request, {**text("structured"), "structuredContent": {"value": arguments.get("value")}}
            )
        elif name == "together":
            self.waiting.append(request)
            if len(self.waiting) == arguments["calls"]:
                for waiting in reversed(self.waiting):
                    self.complete(waiting, text(f"{len(self.waiting)} in flight"))
                self.waiting = []
        elif name == "hang":
            self.hanging[request["id"]] = request
            self.progress(request, 0)
            self.tell_hanging()
        elif name == "hanging":
            self.wants_hanging.append(request)
            self.tell_hanging()
        elif name == "cancelled":
            self.wants_cancelled.append(request)
            self.tell_cancelled()
        elif name == "steps":
            for step in range(arguments["steps"]):
                self.progress(request, step + 1, arguments["steps"])
            self.complete(request, text("done"))
        elif name == "meta":
            say([request["params"]["_meta"]])
        elif name == "grow":
            self.tools.append(tool("grown", "Was added."))
            self.changed()
            self.complete(request, text("grown"))
        elif name == "die":
            print("my last word, TOKEN is", os.environ.get("TOKEN"), file=sys.stderr, flush=True)
            os._exit(7)
        elif name == "pid":
            self.complete(request, text(str(os.getpid())))
        elif name in ("ask", "again"):
            self.question(request, forever=name == "again")
        elif name == "fail":
            self.complete(request, {**text("it is broken"), "isError": True})
        elif name == "refuse":
            self.error(request, -32099, f"not with TOKEN {os.environ.get('TOKEN')}")
        elif name == "task":
            self.result(request, {"resultType": "task", "taskId": "1"})
        else:
            self.complete(request, text(name))

    def changed(self):
        if self.subscription is None:
            self.notify("notifications/tools/list_changed")
        else:
            self.notify(
                "notifications/tools/list_changed", _meta={SUBSCRIPTION: self.subscription}
            )

    def cancelled(self, params):
        if params.get("requestId") in self.hanging:
            self.told.append(params.get("reason"))
            self.tell_cancelled()

    def tell_hanging(self):
        if self.hanging:
            for request in self.wants_hanging:
                self.complete(request, text("one hangs"))
            self.wants_hanging = []

    def tell_cancelled(self):
        if self.told:
            for request in self.wants_cancelled:
                self.complete(request, text("\n".join(self.told)))
            self.wants_cancelled = []

    # What a person is asked.

    QUESTION = {
        "mode": "form",
        "message": "What is your name?",
        "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
    }

    def question(self, request, forever):
        if self.revisions == "newest":
            responses = request["params"].get("inputResponses")
            if responses is None or forever:
                self.result(
                    request,
                    {
                        "resultType": "input_required",
                        "inputRequests": {
                            "name": {"method": "elicitation/create", "params": self.QUESTION}
                        },
                        "requestState": "kept",
                    },
                )
            else:
                state = request["params"].get("requestState")
                self.complete(request, text(f"{json.dumps(responses['name'])} {state}"))
        else:
            self.asked += 1
            asked = f"asked-{self.asked}"
            self.asking[asked] = request
            self.send({"id": asked, "method": "elicitation/create", "params": self.QUESTION})

    def answered(self, message):
        request = self.asking.pop(message["id"])
        self.complete(request, text(json.dumps(message.get("result"))))


Upstream(sys.argv[1]).run()
