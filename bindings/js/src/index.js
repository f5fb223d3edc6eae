import { presets } from './settings.js';
import { Socket } from './socket.js';

/** A socket that stays connected; the same as `new Socket(url, options)`. */
export const connect = (url, options) => new Socket(url, options);
export { presets, Socket };
