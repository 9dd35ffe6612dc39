// The same system in JavaScript: fetches over REST, keeps each message once, and then acknowledges.
//
//     node rest.mjs 9000 http://127.0.0.1:8700/parties/skola skola FOLDER
//     samband contract run --rest 8700 --against http://127.0.0.1:9000/ --unit SE2120002080-SKOLA
//
// Only Node's own library, 18 or later. Each message is a file in FOLDER, so that it survives whatever happens to this
// process or its machine; a real one keeps it in its database, and acknowledges only when that is committed.

import * as fs from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const [port, base, client, folder = "kept"] = process.argv.slice(2);
const SECRET = `sandbox-${client}`; // the sandbox's; yours is in a file
const AGAIN_MS = 50; // a real one asks `GET /v1/events?wait=25` instead
const TIMEOUT_MS = 10_000; // a connection that says nothing more must not hold up what waits

const kept = new Map(); // message id → document, in the order of arrival

/** Call the connector, and return what it answers; the error of an answer that is no good has its `status`. */
async function call(path, token, body) {
  const answer = await fetch(base + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: token, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw Object.assign(new Error(`answered ${answer.status}`), { status: answer.status });
  return answer.json(); // fails where the connection breaks in the middle: what came is not kept
}

/** Return a token, which holds for a quarter of an hour. */
async function enter() {
  const answer = await fetch(`${base}/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client}:${SECRET}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return `Bearer ${(await answer.json()).access_token}`;
}

/** Write to a file, if anything is given, and return when it or the folder would outlive a loss of power. */
function settle(path, text) {
  const opened = fs.openSync(path, text === undefined ? "r" : "w", 0o600); // about a child: nobody else's to read
  try {
    if (text !== undefined) fs.writeFileSync(opened, text);
    fs.fsyncSync(opened);
  } finally {
    fs.closeSync(opened);
  }
}

/** Keep a message by its id, once; when this returns it is on the disk, whole. */
function keep(event) {
  if (kept.has(event.id)) return; // a repeat: the same message always has the same id
  const half = join(folder, "half"); // not looked at, should this end before it is whole
  settle(half, JSON.stringify(event));
  fs.renameSync(half, join(folder, `${String(kept.size + 1).padStart(9, "0")}.json`)); // names sort as they came
  if (process.platform !== "win32") settle(folder); // the name too; Windows opens no folder, and sees to it itself
  kept.set(event.id, event.data);
}

/** Read what earlier runs have kept. */
function remember() {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of fs.readdirSync(folder).filter((each) => each.endsWith(".json")).sort()) {
    const event = JSON.parse(fs.readFileSync(join(folder, name), "utf8"));
    kept.set(event.id, event.data);
  }
}

/** Take what waits, oldest first: fetch it, keep it, and only then say that it is here. */
async function take(token) {
  for (const line of (await call("/v1/inbox", token)).items) {
    const event = await call(`/v1/inbox/${line.message_id}`, token);
    keep(event);
    // `opened` says that a person has it; what is held back nobody has read yet.
    await call(`/v1/inbox/${event.id}/acknowledge`, token, { opened: !event.data.held });
  }
}

/** Fetch for ever; whatever goes wrong, begin again: what is not acknowledged is still there. */
async function follow() {
  let token = "";
  for (;;) {
    try {
      token ||= await enter();
      await take(token);
    } catch (error) {
      if (error.syscall) console.error(`begins again: ${error.code}`); // the disk is full, say; a code names no child
      if (!error.status || error.status === 401) token = ""; // away, cut, or no longer let in
    }
    await pause(AGAIN_MS);
  }
}

remember();
follow();

// For the suite alone: says what is here, in the order in which it was taken.
createServer((request, response) => {
  const messages = [...kept].map(([id, document]) => ({ id, held: document.held }));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ messages }));
}).listen(Number(port), "127.0.0.1");
