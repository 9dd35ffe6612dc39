"""A party's own system, as small as it can be: takes Samband's webhooks, keeps each message once, and acknowledges.

    python webhook.py 9000          then: samband contract run --against http://127.0.0.1:9000/

Only Python's own library. What a real one does otherwise: it keeps in its database what is kept here in a dictionary,
and answers only when that is durable.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_c2FtYmFuZCBzYW5kYm94OiBub2JvZHkncyBzZWNyZXQ="  # the sandbox's; yours is in a file
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
TOLERANCE_S = 5 * 60
KEPT = {}  # message id → document, in the order of arrival


def is_genuine(headers, body):
    """Check the signature as standardwebhooks.com says: id, time and body, not older than five minutes."""
    number, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE_S:
        return False
    digest = hmac.new(KEY, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(wanted, each) for each in headers.get("webhook-signature", "").split())


def missing(event):
    """Return the path of the first field that is not there; more fields than these are no fault."""
    for path in ("id", "type", "data.message_id", "data.unit", "data.decision", "data.held"):
        found = event
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if found is None:
            return path
    return ""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Take a message: 401 for a stranger, 400 with the field's path for what is incomplete, else keep it once."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_genuine(self.headers, body):
            return self.answer(401, {"title": "the signature does not hold"})
        event = json.loads(body)
        if path := missing(event):
            return self.answer(400, {"title": f"`{path}` is missing", "errors": [{"field": path}]})
        KEPT.setdefault(event["id"], event["data"])
        return self.answer(200, {"acknowledged": not event["data"]["held"]})

    def do_GET(self):
        """Say what is kept: for the contract suite only."""
        messages = [{"id": number, "held": document["held"]} for number, document in KEPT.items()]
        self.answer(200, {"messages": messages})

    def answer(self, status, document):
        """Answer with JSON."""
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if status == 200 else "application/problem+json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Log nothing: an address or a body may say something about a child."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
