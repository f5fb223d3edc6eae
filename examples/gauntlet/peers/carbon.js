// As its documentation has it; the answer of GET /gateway/bot stands here, since the gauntlet is not Discord.
import { Client } from "@buape/carbon";
import { GatewayPlugin } from "@buape/carbon/gateway";

const session_start_limit = { total: 1000, remaining: 1000, reset_after: 86400000, max_concurrency: 1 };
const gateway = new GatewayPlugin({ intents: 0 }, { url: process.argv[2], shards: 1, session_start_limit });
gateway.emitter.on("debug", (text) => console.log(text));
gateway.emitter.on("error", (error) => console.log(String(error)));
new Client(
  { baseUrl: "http://127.0.0.1", clientId: "1", publicKey: "0".repeat(64), token: "token", disableDeployRoute: true },
  {},
  [gateway],
);
