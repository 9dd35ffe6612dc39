"""A party's own system, as small as it can be: fetches over REST, keeps each message once, and then acknowledges.

    samband contract run --rest 8700 --against http://127.0.0.1:9000/ &
    python rest.py 9000 http://127.0.0.1:8700/parties/socialtjanst socialtjanst

Only Python's own library. What a real one does otherwise: it keeps in its database what is kept here in a dictionary,
and acknowledges only when that is durable.
"""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEPT = {}  # message id → document, in the order of arrival
AGAIN_S = 0.05  # a real one asks `GET /v1/events?wait=25` instead


def call(url, token, body=None):
    """Return what the connector answers."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": token, "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
        return json.load(answer)


def enter(base, client, secret):
    """Return a token, which holds for a quarter of an hour."""
    basic = "Basic " + b64encode(f"{client}:{secret}".encode()).decode()
    headers = {"authorization": basic, "content-type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{base}/oauth2/token", b"grant_type=client_credentials", headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return "Bearer " + json.load(answer)["access_token"]


def fetch(base, token):
    """Take what waits, oldest first: fetch it, keep it, and only then say that it is here."""
    for line in call(f"{base}/v1/inbox", token)["items"]:
        event = call(f"{base}/v1/inbox/{line['message_id']}", token)
        KEPT.setdefault(event["id"], event["data"])
        call(f"{base}/v1/inbox/{event['id']}/acknowledge", token, {"opened": not event["data"]["held"]})


def follow(base, client, secret):
    """Fetch for ever; whatever goes wrong, begin again: what is not acknowledged is still there."""
    token = ""
    while True:
        try:
            token = token or enter(base, client, secret)
            fetch(base, token)
        except urllib.error.HTTPError as error:
            token = "" if error.code == 401 else token
        except (OSError, HTTPException, ValueError):  # cut, away, or half an answer
            token = ""
        time.sleep(AGAIN_S)


class Handler(BaseHTTPRequestHandler):
    """For the suite alone: says what is here."""

    def do_GET(self):
        """Answer with what was taken, in its order."""
        told = [{"id": each, "held": document["held"]} for each, document in KEPT.items()]
        body = json.dumps({"messages": told}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


if __name__ == "__main__":
    base, client = sys.argv[2:4]
    threading.Thread(target=follow, args=(base, client, f"sandbox-{client}"), daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
