"""The webhook: a signed CloudEvent to the party's own system over HTTPS.

**Promise 5: at least once, with the same id.** An answer can be lost after the far side has taken a message, and then
it comes again with the same `id` and `webhook-id`: a receiver that remembers ids has it exactly once. The body of a
repeat is the same, byte for byte, unless a protection mark came in between; then it is a reference.

- Body: CloudEvents 1.0, structured JSON. `type` is `samband.<message type>`; of a held message always
  `samband.reference`, since the type itself tells something about a child.
- Attachments: `data.attachments` holds each file's name, media type, size and SHA-256. Files of 4 MB at most together
  stand there too, as `data_base64`; larger ones are fetched from the connector, as `fetch` says.
- Signature: Standard Webhooks, made anew for each attempt, since receivers refuse old ones: `v1` (HMAC-SHA-256), `v1a`
  (Ed25519), or both, one for each secret (`signing`).
- Taken: any 2xx, and 409 for "already have it". Acknowledged: a 2xx with the header `samband-acknowledged: true` or the
  body `{"acknowledged": true}`. The acknowledgement lives in memory until the service has asked for it; after a crash
  in that moment "handed over" is all that is known.
- Passing trouble (no connection, no answer, 408, 425, 429, 5xx) is tried a few times at once, `Retry-After` honoured,
  and then left to the service's own longer retries. Other 4xx are a refusal for good, which waits for a person
  (`dead`). A redirect is never followed: it would carry the content to a place that nobody wrote into the
  configuration.

Whatever the far side answers is data from outside. No byte of it, the reason phrase and broken protocol lines included,
gets into an error or a log line: it may echo the message.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import ssl
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import stamina

from samband.connectors.adapter import Delivery, Waiting, encode, rfc3339
from samband.connectors.signing import Signer
from samband.schemas.errors import DeliveryError, OperatorError

__all__ = ["WebhookAdapter", "cloud_event"]

_INLINE_BYTES: Final = 4 << 20
"""Of a message's files together in the event itself: with base64 a receiver still takes it in one piece."""
_ANSWER_BYTES: Final = 64 * 1024
"""An answer is a status and at most a word; the rest of a longer one is not read."""
_REMEMBERED: Final = 10_000
"""Acknowledgements kept for the service, which asks every few seconds."""
_AGAIN: Final = (408, 425, 429)
"""The 4xx that mean "later" (RFC 9110 section 15.5.9, RFC 8470, RFC 6585)."""


class _PassingError(DeliveryError):
    """Trouble that is worth another attempt within this call."""

    def __init__(self, code: str, message: str, wait: float | None = None) -> None:
        super().__init__(code, message, retriable=True)
        self.wait = wait


class _Transport(httpx.AsyncHTTPTransport):
    """Drop the far side's reason phrase, which httpx would write into its log line."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.extensions.pop("reason_phrase", None)
        return response


def cloud_event(delivery: Delivery) -> dict[str, object]:
    """Return a delivery as a CloudEvents 1.0 event in JSON's structured form."""
    document = delivery.document()
    if delivery.attachments:
        document["attachments"] = _attachments(delivery)
    return {
        "specversion": "1.0",
        "id": delivery.message_id,
        "source": "samband",
        "type": "samband.reference" if delivery.held else f"samband.{delivery.type}",
        "time": rfc3339(delivery.created),
        "datacontenttype": "application/json",
        "data": document,
    }


def _attachments(delivery: Delivery) -> list[dict[str, object]]:
    inline = sum(each.size for each in delivery.attachments) <= _INLINE_BYTES
    found = []
    for each in delivery.attachments:
        told: dict[str, object] = {
            "number": each.number, "name": each.name, "media_type": each.media_type, "size": each.size,
            "sha256": each.sha256,
        }  # fmt: skip
        if inline:
            told["data_base64"] = base64.b64encode(b"".join(each.read())).decode()
        else:
            told["fetch"] = f"samband inbox attachments {delivery.message_id} --save FOLDER"
        found.append(told)
    return found


class WebhookAdapter:
    """Hand messages over by HTTP POST.

    Args:
        url: https; plain http only to the machine itself.
        secret: at least 24 bytes, or their base64 with or without `whsec_`; a private key `whsk_…`; or several.
        verify: a context with the party's private authority, or True for the system's. False only on loopback.
        timeout: seconds for one attempt, answer included.
        attempts: POSTs in one `deliver`.
        pause: seconds before the second attempt; doubled each time, with as much jitter.
        patience: seconds after which `deliver` begins no further attempt; a longer `Retry-After` ends it at once.

    Raises:
        OperatorError: `WEBHOOK_URL`, `WEBHOOK_SECRET` or `WEBHOOK_VERIFY`.
    """

    def __init__(
        self,
        url: str,
        secret: bytes | str | Sequence[str],
        *,
        verify: ssl.SSLContext | bool = True,
        timeout: float = 10.0,
        attempts: int = 3,
        pause: float = 0.2,
        patience: float = 30.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = _checked_url(url)
        self._place = self._url.netloc.decode("ascii")
        loopback = _is_loopback(self._url.host)
        if verify is False and not loopback:
            raise OperatorError("WEBHOOK_VERIFY", f"the certificate of `{self._place}` must be verified")
        self._signer = Signer.of(secret)
        self._timeout = timeout
        self._attempts = attempts
        self._pause = pause
        self._patience = patience
        self._clock = clock
        self._acknowledged: dict[str, None] = {}
        self._client = httpx.AsyncClient(
            transport=_Transport(verify=verify, proxy=None if loopback else _proxy(self._url)),
            timeout=timeout,
            follow_redirects=False,
            headers={
                "content-type": "application/cloudevents+json; charset=utf-8",
                "user-agent": "samband",
                "accept-encoding": "identity",
            },
        )

    async def deliver(self, delivery: Delivery) -> None:
        """Post one event until it is taken, refused, or the attempts are used up.

        Raises:
            DeliveryError: `WEBHOOK_REFUSED` or `DELIVERY_FORM`, for good; `WEBHOOK_UNREACHABLE`, `WEBHOOK_UNTRUSTED`,
                `WEBHOOK_BUSY` or `WEBHOOK_REDIRECTED`, to be tried again.
        """
        body = encode(cloud_event(delivery))
        # The context form, not the decorator: that one would log its arguments, and these are the content.
        async for attempt in stamina.retry_context(
            on=self._try_again_after,
            attempts=self._attempts,
            timeout=self._patience,
            wait_initial=self._pause,
            wait_jitter=self._pause,
        ):
            with attempt:
                await self._post(delivery.message_id, body)

    async def acknowledged(self) -> Sequence[str]:
        """Return the ids that the far side acknowledged in its answers since start, the latest ten thousand."""
        return tuple(self._acknowledged)

    async def waiting(self) -> Sequence[Waiting]:
        """Return nothing: a webhook cannot be asked what it has not taken up."""
        return ()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(self, message_id: str, body: bytes) -> None:
        now = self._clock()
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body.decode()),
        }
        taken = False
        try:
            # httpx limits each read; this limits the whole, against an answer that comes a byte at a time.
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                self._judge(response)
                taken = True
                if response.is_success and await _acknowledges(response):
                    self._remember(message_id)
        except (httpx.RequestError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            trouble = self._unanswered(error)
        else:
            return
        # Once the status was read it was the answer, and what came after it does not matter. Raised out here, the
        # error carries no context: the library's own would show the far side's bytes to whoever prints it.
        if not taken:
            raise trouble

    def _judge(self, response: httpx.Response) -> None:
        """Read the status; return when the far side has the message."""
        status = response.status_code
        if response.is_success or status == 409:
            return
        if status >= 500 or status in _AGAIN:
            wait = _retry_after(response.headers.get("retry-after"), self._clock())
            raise _PassingError("WEBHOOK_BUSY", f"the webhook at `{self._place}` answered {status}", wait)
        if status >= 400:
            raise DeliveryError("WEBHOOK_REFUSED", f"the webhook at `{self._place}` refused with {status}")
        raise DeliveryError(
            "WEBHOOK_REDIRECTED",
            f"the webhook at `{self._place}` answered {status}, and redirects are not followed",
            "write the new address into the connector's configuration",
            retriable=True,
        )

    def _unanswered(self, error: Exception) -> DeliveryError:
        """Say what happened in words of our own: the error's text may hold bytes from the far side."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return DeliveryError(
                    "WEBHOOK_UNTRUSTED",
                    f"the certificate of `{self._place}` is not from a trusted authority, or not for this name",
                    "name the party's own certificate authority in the connector's configuration",
                    retriable=True,
                )
            cause = cause.__cause__ or cause.__context__
        match error:
            case httpx.TimeoutException() | TimeoutError():
                reason = f"gave no answer within {self._timeout:g} s"
            case httpx.ConnectError() | httpx.ProxyError():
                reason = "cannot be reached"
            case httpx.InvalidURL() | ValueError():
                reason = "gave an answer that cannot be read"
            case _:
                reason = "ended the connection before a whole answer"
        return _PassingError("WEBHOOK_UNREACHABLE", f"the webhook at `{self._place}` {reason}")

    def _try_again_after(self, error: Exception) -> bool | float:
        """Tell stamina whether and when to go on; True leaves the pause to its back-off."""
        if not isinstance(error, _PassingError):
            return False
        if error.wait is None:
            return True
        return max(error.wait, self._pause) if error.wait <= self._patience else False

    def _remember(self, message_id: str) -> None:
        self._acknowledged[message_id] = None
        if len(self._acknowledged) > _REMEMBERED:
            del self._acknowledged[next(iter(self._acknowledged))]


async def _acknowledges(response: httpx.Response) -> bool:
    if response.headers.get("samband-acknowledged") == "true":
        return True
    answer = bytearray()
    async for part in response.aiter_raw():
        answer += part
        if len(answer) > _ANSWER_BYTES:
            return False
    with suppress(ValueError, RecursionError):
        said = json.loads(answer)
        return isinstance(said, dict) and said.get("acknowledged") is True
    return False


def _checked_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise OperatorError("WEBHOOK_URL", "the webhook's address is not a url") from None
    if not parsed.host or parsed.scheme not in ("http", "https"):
        raise OperatorError("WEBHOOK_URL", "the webhook's address must begin with `https://` and a host")
    if parsed.userinfo or parsed.fragment:
        raise OperatorError("WEBHOOK_URL", "the webhook's address must have no password and no fragment")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise OperatorError("WEBHOOK_URL", f"the webhook at `{parsed.host}` must use https")
    return parsed


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _proxy(url: httpx.URL) -> str | None:
    """Return the proxy that the environment names for an address (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).

    httpx reads the same variables, but only for its own transport and not for one given to it.
    """
    if urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    named = urllib.request.getproxies()
    return named.get(url.scheme) or named.get("all")


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Read seconds or a date (RFC 9110 section 10.2.3); None when it is neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    with suppress(ValueError, OverflowError, TypeError, IndexError):  # the library's errors on broken dates are many
        when = parsedate_to_datetime(text)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())
    return None
