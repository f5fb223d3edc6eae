// Runs before.mjs and after.mjs against a server that cuts the first connection: both subscribe again, and miss nothing.
import assert from "node:assert/strict";
import { WebSocketServer, WebSocket } from "ws";

async function told(follow) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const heard = [];
  server.on("connection", (socket) => {
    const number = heard.push([]) - 1;
    socket.on("message", (data) => {
      heard[number].push(String(data));
      socket.send(String(number), () => number === 0 && socket.terminate());
    });
  });
  await new Promise((resolve) => server.on("listening", resolve));
  const lines = [];
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`after a minute ${JSON.stringify(lines)}`)), 60_000);
    const url = `ws://127.0.0.1:${server.address().port}`;
    const options = { WebSocket, minReconnectionDelay: 100 };
    const stop = follow(url, (line) => lines.push(line) === 2 && (clearTimeout(late), stop(), resolve()), options);
  });
  server.close();
  for (const client of server.clients) client.terminate();
  return { lines, heard };
}

const expected = { lines: ["0", "1"], heard: [["SUB lobby"], ["SUB lobby"]] };
for (const side of ["before", "after"]) {
  const { follow } = await import(`./${side}.mjs`);
  assert.deepEqual(await told(follow), expected, side);
  console.log(`${side}: both lines, over two connections`);
}
