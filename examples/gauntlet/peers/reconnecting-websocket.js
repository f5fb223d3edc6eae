// As its README has it ("Simple usage", and "Using alternative constructor" for Node).
import ReconnectingWebSocket from "reconnecting-websocket";
import WS from "ws";

const socket = new ReconnectingWebSocket(process.argv[2], [], { WebSocket: WS });
socket.addEventListener("open", () => {
  socket.send("SUB a");
  socket.send("SUB b");
});
socket.addEventListener("message", (event) => console.log(String(event.data)));
