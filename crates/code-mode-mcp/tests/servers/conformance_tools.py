"""The tools that the official conformance suite wants to find in a server under test, as two upstream
servers: the gateway offers them to the suite with `--expose-tools`, and so what the suite judges is what
the gateway passes through.

`conformance_tools.py handshake` speaks the revisions with a handshake, and has all tools but those whose
results require input. `conformance_tools.py stateless` has these, and speaks revision 2026-07-28 alone.
"""

import json
import queue
import sys
import threading
import time

from stdio_server import Server, text, tool

# One red pixel; silence.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="

SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def options(*names):
    return [{"const": name, "title": name.title()} for name in names]


def form(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


DEFAULTS = form(
    name={"type": "string", "default": "John Doe"},
    age={"type": "integer", "default": 30},
    score={"type": "number", "default": 95.5},
    status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    verified={"type": "boolean", "default": True},
)

ENUMS = form(
    untitledSingle={"type": "string", "enum": ["option1", "option2", "option3"]},
    titledSingle={"type": "string", "oneOf": options("value1", "value2", "value3")},
    legacyEnum={
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    titledMulti={"type": "array", "items": {"anyOf": options("value1", "value2", "value3")}},
)

RESULTS = {
    "test_simple_text": text("This is a simple text response for testing."),
    "test_image_content": {"content": [{"type": "image", "data": PNG, "mimeType": "image/png"}]},
    "test_audio_content": {"content": [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]},
    "test_embedded_resource": {
        "content": [
            {
                "type": "resource",
                "resource": {
                    "uri": "test://embedded-resource",
                    "mimeType": "text/plain",
                    "text": "This is an embedded resource content.",
                },
            }
        ]
    },
    "test_multiple_content_types": {
        "content": [
            {"type": "text", "text": "Multiple content types test:"},
            {"type": "image", "data": PNG, "mimeType": "image/png"},
            {
                "type": "resource",
                "resource": {
                    "uri": "test://mixed-content-resource",
                    "mimeType": "application/json",
                    "text": '{"test":"data","value":123}',
                },
            },
        ]
    },
    "test_error_handling": {
        **text("This tool intentionally returns an error for testing"),
        "isError": True,
    },
    "json_schema_2020_12_tool": text("ok"),
}


class ConformanceTools(Server):
    name = "conformance-tools"
    tools = [
        *(tool(name) for name in RESULTS if name.startswith("test_")),
        {
            "name": "json_schema_2020_12_tool",
            "description": "Tool with JSON Schema 2020-12 features",
            "inputSchema": SCHEMA_2020_12,
        },
        tool("test_tool_with_logging"),
        tool("test_tool_with_progress"),
        tool("test_sampling", prompt={"type": "string"}),
        tool("test_elicitation", message={"type": "string"}),
        tool("test_elicitation_sep1034_defaults"),
        tool("test_elicitation_sep1330_enums"),
        tool("test_missing_capability"),
        tool("test_streaming_elicitation"),
        tool("test_logging_tool"),
        tool("test_reconnection"),
        tool("test_trigger_tool_change"),
        {
            "name": "test_headers",
            "description": "Wants a parameter in a header too",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "region": {"type": "string", "x-mcp-header": "Region"},
                    "query": {"type": "string"},
                },
                "required": ["region"],
            },
        },
    ]

    # Calls run at once: one whose question the suite leaves open must not hold up the next.

    def __init__(self):
        super().__init__()
        self.writing = threading.Lock()
        self.waiting = {}

    def run(self):
        for message in self.messages():
            if "method" not in message:
                self.waiting.pop(message["id"]).put(message)
            elif "id" in message:
                threading.Thread(target=self.answer, args=(message,), daemon=True).start()

    def raw(self, data):
        with self.writing:
            super().raw(data)

    def ask(self, method, params):
        with self.writing:
            self.asked += 1
            asked = f"asked-{self.asked}"
            answer = self.waiting[asked] = queue.SimpleQueue()
        self.send({"id": asked, "method": method, "params": params})
        return answer.get()

    def call(self, request, name, arguments):
        if name in RESULTS:
            self.result(request, RESULTS[name])
        elif method := getattr(self, name, None):
            self.result(request, method(request, arguments))
        else:
            self.error(request, -32602, f"Unknown tool: {name}")

    # One method for each tool that does more than answer.

    def test_tool_with_logging(self, request, arguments):
        for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            self.notify("notifications/message", level="info", logger="conformance", data=said)
        return text("Logged.")

    def test_tool_with_progress(self, request, arguments):
        for progress in (0, 50, 100):
            self.progress(request, progress, 100)
            # As long as the suite wants the work between two reports to take.
            time.sleep(0.05)
        return text("Progressed.")

    def test_logging_tool(self, request, arguments):
        return self.test_tool_with_logging(request, arguments)

    def test_reconnection(self, request, arguments):
        return text("Reconnection test completed successfully")

    def test_trigger_tool_change(self, request, arguments):
        """Adds a tool that was not there, and says so."""
        self.tools = [*self.tools, tool(f"added_{len(self.tools)}")]
        self.notify("notifications/tools/list_changed")
        return text("Changed.")

    def test_headers(self, request, arguments):
        return text(f"Region: {arguments['region']}")

    def test_sampling(self, request, arguments):
        return text(f"LLM response: {self.sampled(arguments['prompt'])}")

    def test_elicitation(self, request, arguments):
        answer = self.elicited(
            arguments["message"],
            form(
                ["username", "email"],
                username={"type": "string", "description": "User's response"},
                email={"type": "string", "description": "User's email address"},
            ),
        )
        return text(f"User response: {json.dumps(answer)}")

    def test_elicitation_sep1034_defaults(self, request, arguments):
        return self.completed(self.elicited("Please review", DEFAULTS))

    def test_elicitation_sep1330_enums(self, request, arguments):
        return self.completed(self.elicited("Please choose", ENUMS))

    def test_missing_capability(self, request, arguments):
        return text(f"LLM response: {self.sampled('What is the capital of France?')}")

    def test_streaming_elicitation(self, request, arguments):
        schema = form(["name"], name={"type": "string"})
        return self.completed(self.elicited("What is your name?", schema))

    # What the client is asked.

    def elicited(self, message, schema):
        answer = self.ask("elicitation/create", {"message": message, "requestedSchema": schema})
        return answer.get("result") or answer["error"]

    def sampled(self, prompt):
        message = {"role": "user", "content": {"type": "text", "text": prompt}}
        answer = self.ask("sampling/createMessage", {"messages": [message], "maxTokens": 100})
        return json.dumps(answer.get("result") or answer["error"])

    def completed(self, answer):
        content = json.dumps(answer.get("content"))
        return text(f"Elicitation completed: action={answer.get('action')}, content={content}")


def elicitation(message, **properties):
    """A question to a person."""
    params = {"mode": "form", "message": message, "requestedSchema": form(list(properties), **properties)}
    return {"method": "elicitation/create", "params": params}


def sampling(prompt):
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}


ROOTS = {"method": "roots/list", "params": {}}
NAME = elicitation("What is your name?", name={"type": "string"})
CONFIRM = elicitation("Please confirm", ok={"type": "boolean"})
COLOR = elicitation("Step 2: What is your favorite color?", color={"type": "string"})

# What each tool asks for, round by round, before it has a result.
ROUNDS = {
    "elicitation": [{"user_name": NAME}],
    "sampling": [{"capital_question": sampling("What is the capital of France?")}],
    "list_roots": [{"client_roots": ROOTS}],
    "request_state": [{"confirm": CONFIRM}],
    "multiple_inputs": [
        {"user_name": NAME, "greeting": sampling("Generate a greeting"), "client_roots": ROOTS}
    ],
    "multi_round": [
        {"step1": elicitation("Step 1: What is your name?", name={"type": "string"})},
        {"step2": COLOR},
    ],
    "tampered_state": [{"confirm": CONFIRM}],
    "capabilities": [{"user_name": NAME}],
}


class InputRequired(Server):
    """Has the tools whose results require input. Its state says which round is answered."""

    name = "input-required"
    PREFIX = "test_input_required_result_"
    tools = [tool(f"test_input_required_result_{name}") for name in ROUNDS]

    def result(self, request, result):
        cached = {"ttlMs": 0, "cacheScope": "private"}
        kept = cached if request["method"] in ("server/discover", "tools/list") else {}
        super().result(request, {"resultType": "complete", **kept, **result})

    def answer(self, request):
        if request["method"] == "server/discover":
            info = {"name": self.name, "version": self.version}
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": info}
            self.result(request, result)
        elif request["method"] == "initialize":
            self.error(request, -32601, "Method not found: initialize")
        else:
            super().answer(request)

    def call(self, request, name, arguments):
        rounds = ROUNDS[name.removeprefix(self.PREFIX)]
        answered = int(request["params"].get("requestState", 0))
        given = request["params"].get("inputResponses", {})
        if answered < len(rounds) and rounds[answered].keys() <= given.keys():
            answered += 1
        if answered == len(rounds):
            self.result(request, text(f"state-ok: {json.dumps(given)}"))
            return
        result = {"resultType": "input_required", "inputRequests": rounds[answered]}
        self.result(request, {**result, "requestState": str(answered)})


if __name__ == "__main__":
    {"handshake": ConformanceTools, "stateless": InputRequired}[sys.argv[1]]().run()
