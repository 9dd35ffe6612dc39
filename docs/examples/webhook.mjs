// The same system in JavaScript: takes Samband's webhooks, keeps each message once, and acknowledges.
//
//     node webhook.mjs 9000           then: samband contract run --against http://127.0.0.1:9000/
//
// Only Node's own library. A real one keeps in its database what is kept here in a Map.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const SECRET = "whsec_c2FtYmFuZCBzYW5kYm94OiBub2JvZHkncyBzZWNyZXQ="; // the sandbox's; yours is in a file
const KEY = Buffer.from(SECRET.slice("whsec_".length), "base64");
const TOLERANCE_S = 5 * 60;
const kept = new Map(); // message id → document, in the order of arrival

/** Check the signature as standardwebhooks.com says: id, time and body, not older than five minutes. */
function isGenuine(headers, body) {
  const number = headers["webhook-id"] ?? "";
  const stamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(stamp) || Math.abs(Date.now() / 1000 - Number(stamp)) > TOLERANCE_S) return false;
  const digest = createHmac("sha256", KEY).update(`${number}.${stamp}.`).update(body).digest("base64");
  const wanted = Buffer.from(`v1,${digest}`);
  return (headers["webhook-signature"] ?? "").split(" ").some((each) => {
    const said = Buffer.from(each);
    return said.length === wanted.length && timingSafeEqual(said, wanted);
  });
}

/** Return the path of the first field that is not there; more fields than these are no fault. */
function missing(event) {
  const paths = ["id", "type", "data.message_id", "data.unit", "data.decision", "data.held"];
  return paths.find((path) => path.split(".").reduce((found, name) => found?.[name], event) === undefined) ?? "";
}

function answer(response, status, document) {
  const kind = status === 200 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": kind }).end(JSON.stringify(document));
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    if (request.method === "GET") {
      const messages = [...kept].map(([id, document]) => ({ id, held: document.held }));
      return answer(response, 200, { messages }); // for the contract suite only
    }
    const body = Buffer.concat(pieces);
    if (!isGenuine(request.headers, body)) return answer(response, 401, { title: "the signature does not hold" });
    const event = JSON.parse(body);
    const path = missing(event);
    if (path) return answer(response, 400, { title: `\`${path}\` is missing`, errors: [{ field: path }] });
    if (!kept.has(event.id)) kept.set(event.id, event.data);
    return answer(response, 200, { acknowledged: !event.data.held });
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
