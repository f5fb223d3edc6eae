// Serves the demo on loopback: `ci/js.sh --build`, then `node bindings/js/demo/serve.mjs`. The server dies when a client says
// KILL, and is back after 5 s.
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Server } from '../tests/server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const built = process.env.REDIAL_JS ?? join(here, '../../../target/js');

/** A server of the demo, which is started. */
export async function serve({ port = 0, dead = 5000 } = {}) {
  const server = new Server({ demo: here, dist: join(built, 'package/dist') });
  server.policy = "default-src 'self'";
  server.onkill = async () => {
    await server.kill();
    await sleep(dead);
    await server.start();
  };
  server.port = port;
  await server.start();
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { origin } = await serve({ port: Number(process.argv[2] ?? 8080) });
  console.log(`${origin}/demo/index.html`);
}
