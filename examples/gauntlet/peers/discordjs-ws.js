// As its README has it; the answer of GET /gateway/bot stands here, since the gauntlet is not Discord.
import { WebSocketManager, WebSocketShardEvents } from "@discordjs/ws";

const session_start_limit = { total: 1000, remaining: 1000, reset_after: 86400000, max_concurrency: 1 };
const rest = { get: async () => ({ url: process.argv[2], shards: 1, session_start_limit }) };
const manager = new WebSocketManager({ token: "token", intents: 0, rest });
for (const event of Object.values(WebSocketShardEvents)) {
  manager.on(event, (...data) => console.log(event, JSON.stringify(data).slice(0, 200)));
}
await manager.connect();
