// Plays a log of events as the project's program `replay` does, through the core of this package, and prints the same bytes.
import { EVENTS, PHASES } from '../src/names.js';
import { Policy } from '../src/policy.js';
import { presets } from '../src/settings.js';

const SUBSCRIPTIONS = ['subscribe', 'unsubscribe', 'sub_confirmed', 'sub_failed', 'sub_lost'];
const IO = (
  'connection_refused connection_reset connection_aborted unexpected_eof broken_pipe timed_out name_not_found host_unreachable ' +
  'network_unreachable network_down'
).split(' ');
const [HTTP, IO_KIND] = [1, 2];
const NONE = 2 ** 32 - 1;

/** What `log` decides, with a module of the core that has subscriptions or one that has none. */
export function replay(core, log) {
  if (!EVENTS.includes('subscribe')) EVENTS.push(...SUBSCRIPTIONS);
  const [setUp, ...lines] = log.trim().split('\n').map((line) => JSON.parse(line));
  return new Replay(core, setUp).play(lines);
}

class Replay {
  constructor(core, { seed, generator, preset }) {
    if (generator !== 'splitmix64') throw Error(`the core draws with splitmix64, not ${generator}`);
    this.policy = new Policy(core, { ...presets[preset], established: 'ready' }, { seed: [seed, 0] });
    this.out = [];
    this.clock = 0;
    this.phase = PHASES[0];
    this.wake = null;
    this.newest = 0;
    this.names = [undefined];
    this.keys = [];
    this.holds = [];
  }

  play(lines) {
    for (const line of lines) {
      if (line.at !== this.clock) {
        this.endInstant();
        this.fireUntil(line.at - 1);
        this.clock = line.at;
      }
      if (line.event) this.tell(line.event, this.fields(line));
    }
    this.endInstant();
    return this.out.map((fields) => `{${fields}}\n`).join('');
  }

  endInstant() {
    this.tell('timeout');
    this.fireUntil(this.clock);
  }

  /** Every timer up to `end`, each at its own time, rounded up to a millisecond. */
  fireUntil(end) {
    for (;;) {
      const { until } = this.policy.explain();
      const due = Math.max(Math.ceil((until ?? Infinity) / 1000), this.clock);
      if (due > end) return;
      this.clock = due;
      this.tell('timeout');
    }
  }

  fields({ epoch = this.newest, ...line }) {
    const number = (list, name) => (list.includes(name) ? list.indexOf(name) : list.push(name) - 1);
    const micros = (millis) => (millis === undefined ? undefined : millis * 1000);
    const fields = { epoch, ...this.wait(line) };
    if (line.cause) Object.assign(fields, this.cause(line.cause), this.wait(line.cause));
    switch (line.event) {
      case 'stop':
        return { first: +!!line.keep };
      case 'hold':
      case 'release':
        return { first: number(this.holds, line.reason) };
      case 'woke':
        return { span: micros(line.gap), first: +(line.counted ?? true) };
      case 'ready': {
        const third = +(line.seq !== undefined);
        return { epoch, first: line.id && number(this.names, line.id), span: micros(line.ttl), third, number: line.seq };
      }
      case 'seq':
        return { epoch, third: 1, number: line.n };
      case 'session_invalid':
        return { epoch, first: +!!line.resumable };
      case 'please_reconnect':
        return { ...fields, third: +(line.deadline !== undefined), number: micros(line.deadline) };
      case 'subscribe':
        return { first: number(this.keys, line.key), wait: line.priority ?? 0 };
      case 'unsubscribe':
      case 'sub_confirmed':
      case 'sub_failed':
      case 'sub_lost':
        return { epoch, first: number(this.keys, line.key), wait: line.send ?? 0, third: +!!line.retryable };
      default:
        return fields;
    }
  }

  wait({ after, retry_after = after, appointment, window }) {
    const waits = [retry_after, appointment, window];
    const wait = waits.findIndex((given) => given !== undefined);
    return wait < 0 ? {} : { wait: wait + 1, span: waits[wait] * 1000 };
  }

  cause({ ws, http, io, timeout, class: judged, kind }) {
    if (ws === null) return { cause: 'no_close_frame' };
    if (ws !== undefined) return { cause: { close: ws } };
    if (http) return { first: HTTP + http * 256 };
    if (io) return { first: IO_KIND + IO.indexOf(io) * 256 };
    return { cause: timeout ? 'timeout' : (judged ?? kind) };
  }

  tell(event, fields) {
    const { disposition, actions } = this.policy.tell(this.clock * 1000, event, fields);
    // Behind the actions, where a module has subscriptions: the keys of the newest batch.
    const mail = [...this.policy.read().subarray(21 + 4 * actions.length)];
    const batch = mail.slice(0, mail.indexOf(NONE));
    const explained = this.policy.explain();
    if (event !== 'timeout' && disposition !== 'applied') this.print(`"ignored": "${disposition}", "event": "${event}"`);
    if (explained.phase !== this.phase) {
      this.phase = explained.phase;
      this.print(`"state": "${this.phase}", "why": "${shown(explained.trigger)}"`);
    }
    for (const action of actions) this.print(`"action": ${this.action({ ...action, batch }, explained)}`);
    const wake = explained.until === undefined ? null : Math.ceil(explained.until / 1000);
    if (wake !== this.wake) {
      this.wake = wake;
      this.print(`"wake": ${wake}, "why": "${explained.deadline ?? explained.waitingFor ?? this.phase}"`);
    }
  }

  action({ action, epoch, mode, attempt, code, reason, cause, request, batch }, { sequence }) {
    switch (action) {
      case 'open':
        this.newest = epoch;
        return `"open", "epoch": ${epoch}, "mode": "${mode}", "endpoint": "primary", "attempt": ${attempt}`;
      case 'close':
        return `"close", "epoch": ${epoch}, "code": ${code ?? null}`;
      case 'send_resume':
      case 'beat':
        return `"${action}", "epoch": ${epoch}, "seq": ${sequence ?? null}`;
      case 'restore': {
        const keys = batch.map((key) => `"${this.keys[key]}"`).join(', ');
        return `"restore", "epoch": ${epoch}, "keys": [${keys}], "send": ${request}`;
      }
      case 'refresh_credential':
        return '"refresh_credential"';
      case 'drop_session':
        return `"drop_session", "reason": "${reason}"`;
      case 'gave_up':
        return `"gave_up", "reason": "${reason}", "detail": "${shown(cause)}"`;
      default:
        return `"${action}", "epoch": ${epoch}`;
    }
  }

  print(fields) {
    this.out.push(`"at": ${this.clock}, ${fields}`);
  }
}

/** The core has numbers for errors of sockets, which no browser tells. */
const shown = (cause) => cause.replace(/^io_(\d+)$/, (_, kind) => IO[kind]);
