// The program `replay` of the host, for comparison.

import { spawnSync } from 'node:child_process';

/** What it prints for a log. */
export function replay(log, ...options) {
    const { status, stdout, stderr } = spawnSync(process.env.REPLAY, options, { input: log, encoding: 'utf8', maxBuffer: 1 << 26 });
    return { status, stdout, stderr };
}
