import ReconnectingWebSocket from "reconnecting-websocket";

export function follow(url, onLine, options) {
  const socket = new ReconnectingWebSocket(url, [], { maxReconnectionDelay: 30_000, ...options });
  socket.addEventListener("open", () => socket.send("SUB lobby"));
  socket.addEventListener("message", (event) => onLine(String(event.data)));
  return () => socket.close();
}
