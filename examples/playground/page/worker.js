// What takes long, beside the page: storms, and logs from files.

import { Core } from './core.js';
import { Reader } from './reader.js';

const core = Core.load();

addEventListener('message', async ({ data: { id, storm, log } }) => {
    try {
        const loaded = await core;
        const answer = storm ? loaded.storm(storm) : await new Reader(loaded).read(log);
        postMessage({ id, answer });
    } catch (error) {
        postMessage({ id, error: error.message });
    }
});
