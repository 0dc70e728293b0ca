"""What the scripts of infra talk to, on loopback: moto in a process of its own, and calls that moto doesn't have."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

INFRA = Path(__file__).resolve().parent.parent
REGION = "ap-northeast-2"
# Programs that came with this Python's packages, such as aws.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


class Moto:
    """moto's server."""

    def __init__(self):
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
                self.url = found[1]
                break
        else:
            raise RuntimeError("moto's server doesn't start:\n" + "".join(said))
        # Nobody reads what it says of each request, and it must not wait for a reader.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Refused(Exception):
    """An error of AWS, with its code."""


class Calls:
    """Answers AWS calls by methods of the same name, whose arguments are the call's; what was asked is in `asked`."""

    def __init__(self):
        self.asked = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"calls": self}))
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.stop = server.shutdown
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def names(self):
        return [name for name, _ in self.asked]

    def answer(self, name, arguments):
        self.asked.append((name, arguments))
        return getattr(self, name)(arguments)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            name, arguments = target.split(".")[-1], json.loads(body)
        else:
            arguments = {key: values[0] for key, values in parse_qs(body).items()}
            name = arguments["Action"]
        try:
            status, answer = 200, self.calls.answer(name, arguments)
        except Refused as error:
            status, answer = 400, error
        self.send(status, in_json(answer) if target else in_xml(name, answer))

    def send(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def in_json(answer):
    return json.dumps({"__type": str(answer)} if isinstance(answer, Refused) else answer)


def in_xml(name, answer):
    if isinstance(answer, Refused):
        code = str(answer)
        return f"<ErrorResponse><Error><Code>{code}</Code><Message>{code}</Message></Error></ErrorResponse>"
    return f"<{name}Response><{name}Result>{xml(answer)}</{name}Result></{name}Response>"


def xml(value):
    """Members by name; of a list each has the name that the service gives it: {"Instances": [("member", {...})]}."""
    if isinstance(value, dict):
        value = value.items()
    if isinstance(value, (list, type({}.items()))):
        return "".join(f"<{key}>{xml(inner)}</{key}>" for key, inner in value if inner is not None)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


class Redis(Calls):
    """A replication group, as ElastiCache changes its token: ROTATE adds one, SET leaves the last one alone."""

    def __init__(self):
        super().__init__()
        # None is whoever has no token.
        self.lets_in = [None]
        self.changing = None
        self.refuses = set()

    def DescribeReplicationGroups(self, _):
        changing, self.changing = self.changing, None
        group = {
            "ReplicationGroupId": "ecommerce-redis",
            "Status": "modifying" if changing else "available",
            "AuthTokenEnabled": self.lets_in != [None],
            "PendingModifiedValues": {"AuthTokenStatus": changing},
        }
        return {"ReplicationGroups": [("ReplicationGroup", group)]}

    def ModifyReplicationGroup(self, asked):
        token, strategy = asked["AuthToken"], asked["AuthTokenUpdateStrategy"]
        if self.changing or strategy in self.refuses:
            raise Refused("InvalidReplicationGroupState")
        if not 16 <= len(token) <= 128 or asked["ApplyImmediately"] != "true":
            raise Refused("InvalidParameterValue")
        if strategy == "SET" and token not in self.lets_in:
            raise Refused("InvalidParameterCombination")
        self.lets_in = [token] if strategy == "SET" else [self.lets_in[-1], token]
        self.changing = {"SET": "SETTING", "ROTATE": "ROTATING"}[strategy]
        return {"ReplicationGroup": {"Status": "modifying"}}
