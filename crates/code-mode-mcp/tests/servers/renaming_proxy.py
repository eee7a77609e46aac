"""Stands between the conformance suite and the gateway: `renaming_proxy.py URL`.

The suite calls the tools of a server under test by fixed names; the gateway puts the name of the server
they come from before them. This takes those prefixes off what the gateway says and puts them before what
the suite asks for, and passes everything else on as it is: every header, every status, every event of a stream when
it comes. It says on standard error where it listens, with the path of URL.
"""

import http.client
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

TARGET = urlsplit(sys.argv[1])
# The names under which `conformance_tools.py` is configured.
HANDSHAKE = "handshake__"
STATELESS = "stateless__"
# About the connection, not about the message.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        names = self.called(body)
        if names:
            prefix = STATELESS if names.startswith("test_input_required") else HANDSHAKE
            body = self.with_name(body, prefix + names)
        target = http.client.HTTPConnection(TARGET.hostname, TARGET.port)
        target.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() in HOP_BY_HOP:
                continue
            if names and name.lower() == "mcp-name":
                value = prefix + value
            target.putheader(name, value)
        if body or self.command == "POST":
            target.putheader("content-length", str(len(body)))
        target.endheaders(body)
        self.answer(target.getresponse())
        target.close()

    do_GET = do_POST = do_DELETE = do_PUT = do_OPTIONS = forward

    def answer(self, response):
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if response.status in (202, 204, 304):
            self.send_header("content-length", "0")
            self.end_headers()
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        # Both JSON bodies and events have no line break inside a message.
        while line := response.readline():
            for prefix in (HANDSHAKE, STATELESS):
                line = line.replace(b'"name":"' + prefix.encode(), b'"name":"')
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def called(body):
        """The name of the tool that is called, if one is."""
        try:
            message = json.loads(body)
            return message["params"]["name"] if message["method"] == "tools/call" else None
        except (ValueError, LookupError, TypeError):
            return None

    @staticmethod
    def with_name(body, name):
        message = json.loads(body)
        message["params"]["name"] = name
        return json.dumps(message).encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # A client that hangs up in the middle is none of our business.
        pass


server = Server(("127.0.0.1", 0), Proxy)
print(f"listening at http://127.0.0.1:{server.server_port}{TARGET.path}", file=sys.stderr, flush=True)
server.serve_forever()
