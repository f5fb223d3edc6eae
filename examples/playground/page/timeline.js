// A log as a drawing: one lane for what happened, for the states, the dials, the waits and the subscriptions.

import { drawn } from './dom.js';
import { timeMarks, widthOf } from './scale.js';
import { capital, clock, reason, span } from './words.js';

const AXIS = 24;
const MARKS = 42;
const STATE = 40;
const DIALS = 42;
const WAITS = 30;
const KEY = 16;
/** Most lanes of subscriptions. */
const KEYS = 5;
const GAP = 10;

/** Draws what a view shows of a model. */
export function draw(svg, model, { from, to, now, cursor, width }) {
    const gutter = width >= 640 ? 104 : 0;
    const margin = gutter ? 0 : 8;
    const plot = { left: gutter + margin, right: width - margin, from, to };
    plot.x = (time) => plot.left + ((time - from) / (to - from)) * (plot.right - plot.left);
    const keys = [...model.keys].filter(([, spans]) => spans.some(({ shows }) => shows)).slice(0, KEYS);
    const lanes = [
        [MARKS, 'Events', marks], [STATE, 'State', states], [DIALS, 'Dials', dials], [WAITS, 'Waits', waits],
        ...(keys.length ? [[keys.length * KEY, 'Subscriptions', (...lane) => subscriptions(keys, ...lane)]] : []),
    ];
    const labels = gutter ? 0 : 16;
    const height = AXIS + lanes.reduce((sum, [lane]) => sum + lane + labels + GAP, 0);
    const parts = [axis(plot, height)];
    let top = AXIS;
    for (const [lane, title, draws] of lanes) {
        const text = { class: 'lane', x: gutter ? 0 : 4, y: gutter ? top + lane / 2 + 4 : top + 11 };
        top += labels;
        parts.push(drawn('text', text, title), drawn('g', {}, ...draws(model, plot, top, now)));
        top += lane + GAP;
    }
    parts.push(...lines(plot, height, now, cursor));
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('height', height);
    svg.replaceChildren(...parts);
    return plot;
}

/** The part of a span that shows, in pixels; nothing where it does not. */
function shown(plot, { from, to }, now) {
    const end = Math.min(to ?? now, plot.to);
    if (end < plot.from || from > plot.to || from > now) {
        return undefined;
    }
    const x = Math.max(plot.left, plot.x(from));
    return { x, width: Math.max(1.5, Math.min(plot.right, plot.x(end)) - x) };
}

/** Leaves out what would be drawn on the very pixel of what was drawn before. */
function apart(parts, place) {
    let last = -Infinity;
    return parts.filter((part) => {
        const is = place(part) - last >= 1;
        last = is ? place(part) : last;
        return is;
    });
}

function axis(plot, height) {
    const { step, marks: times } = timeMarks(plot.from, plot.to, plot.right - plot.left, 64);
    return drawn('g', { class: 'axis' }, ...times.flatMap((time) => {
        const x = plot.x(time);
        const label = clock(time, step < 1000 ? 1 : 0);
        const fits = x - widthOf(label) / 2 >= plot.left && x + widthOf(label) / 2 <= plot.right;
        const line = drawn('line', { x1: x, x2: x, y1: AXIS - 6, y2: height });
        return fits ? [line, drawn('text', { x, y: 12, 'text-anchor': 'middle' }, label)] : [line];
    }));
}

/** Events with their names, in two rows; where there is no space for a name, the mark alone. */
function marks(model, plot, top, now) {
    const visible = model.marks.filter(({ at }) => at >= plot.from && at <= Math.min(plot.to, now));
    const ends = [-Infinity, -Infinity];
    return apart(visible, ({ at }) => plot.x(at)).flatMap(({ at, label, event }) => {
        const x = plot.x(at);
        const width = widthOf(label) + 14;
        const text = Math.min(x, plot.right - width);
        const row = ends.findIndex((end) => end <= text);
        const sort = ['closed', 'gave_up', 'session_invalid'].includes(event) ? 'mark bad' : 'mark';
        const parts = [drawn('line', { class: sort, x1: x, x2: x, y1: top + (row === 1 ? 18 : 0), y2: top + MARKS + STATE })];
        if (row >= 0) {
            ends[row] = text + width;
            const y = top + row * 18;
            parts.push(drawn('rect', { class: sort, x: text, y, width: width - 4, height: 16, rx: 4 }));
            parts.push(drawn('text', { class: sort, x: text + 5, y: y + 12 }, label));
        }
        return parts;
    });
}

function states(model, plot, top, now) {
    let last = -Infinity;
    return model.states.flatMap((state) => {
        const place = shown(plot, state, now);
        if (!place || (place.width < 2 && place.x - last < 1)) {
            return [];
        }
        last = place.x;
        const box = drawn('rect', { class: `state ${state.state}`, ...place, y: top, height: STATE, rx: place.width > 8 ? 5 : 0 });
        const name = capital(state.state);
        const space = place.width - widthOf(name, 12);
        if (space < 3) {
            return [box];
        }
        return [box, drawn('text', { class: `state ${state.state}`, x: place.x + Math.min(7, space / 2), y: top + STATE / 2 + 4 }, name)];
    }).concat(gaps(model, plot, top, now));
}

/** Where the clock stood still, because the device slept. */
function gaps(model, plot, top, now) {
    return model.marks.filter(({ at, gap }) => gap && at >= plot.from && at <= Math.min(plot.to, now)).map(({ at }) => {
        const zigzag = [0, 1, 2, 3, 4, 5, 6].map((turn) => `${plot.x(at) + (turn % 2 ? 4 : -4)},${top - 3 + turn * (STATE / 6 + 1)}`);
        return drawn('polyline', { class: 'gap', points: zigzag.join(' ') });
    });
}

/** A line for the life of each transport, with a number where it was dialled and a sign where it ended. */
function dials(model, plot, top, now) {
    const middle = top + DIALS / 2;
    const visible = model.dials.filter((dial) => shown(plot, dial, now));
    let text = -Infinity;
    return apart(visible, ({ from }) => Math.max(plot.left, plot.x(from))).flatMap((dial) => {
        const { x, width } = shown(plot, dial, now);
        const y = middle + (dial.successor ? -8 : 2);
        const live = dial.live !== undefined && dial.live <= now;
        const ended = dial.to !== undefined && dial.to <= now;
        const parts = [drawn('line', { class: live ? 'dial live' : 'dial', x1: x, x2: x + width, y1: y, y2: y })];
        if (live && dial.live >= plot.from) {
            parts.push(drawn('circle', { class: 'dial live', cx: plot.x(dial.live), cy: y, r: 4.5 }));
        }
        if (dial.from >= plot.from) {
            parts.push(drawn('circle', { class: 'dial', cx: x, cy: y, r: 4.5 }));
            const label = `#${dial.epoch}`;
            if (x - 2 > text && x + widthOf(label) < plot.right) {
                parts.push(drawn('text', { class: 'dial', x: x - 4, y: top + 8 }, label));
                text = x + widthOf(label) + 2;
            }
        }
        if (ended && dial.to <= plot.to) {
            const end = x + width;
            parts.push(drawn('path', { class: live ? 'end' : 'end bad', d: `M${end - 4},${y - 4}l8,8m0,-8l-8,8` }));
        }
        return [...parts, ...beats(plot, dial, y, now)];
    });
}

/** A tick for each heartbeat; one that was not answered stands out. */
function beats(plot, dial, y, now) {
    const end = Math.min(now, plot.to);
    const visible = dial.beats.filter(({ at }) => at >= plot.from && at <= end);
    return apart(visible, ({ at }) => plot.x(at) / 3).map(({ at, answered }) => {
        const sort = answered !== undefined && answered <= now ? 'beat' : 'beat bad';
        return drawn('line', { class: sort, x1: plot.x(at), x2: plot.x(at), y1: y + 3, y2: y + 10 });
    });
}

/** How long each wait is to last, what of it has passed, and why. */
function waits(model, plot, top, now) {
    const visible = model.waits.filter((wait) => shown(plot, wait, now));
    return apart(visible, ({ from }) => Math.max(plot.left, plot.x(from))).flatMap((wait) => {
        const passed = shown(plot, wait, now);
        const parts = [drawn('rect', { class: `wait ${wait.state}`, ...passed, y: top + 4, height: WAITS - 8, rx: 4 })];
        const isOver = wait.to !== undefined && wait.to <= now;
        let { width } = passed;
        if (!isOver && wait.until > now) {
            const end = Math.min(plot.right, plot.x(wait.until));
            width = Math.max(width, end - passed.x);
            parts.push(drawn('rect', { class: 'wait coming', x: passed.x, y: top + 4, width, height: WAITS - 8, rx: 4 }));
        }
        const planned = isOver ? wait.to - wait.from : (wait.until ?? NaN) - wait.from;
        const text = Number.isFinite(planned) ? `${span(planned)}, ${reason(wait.why)}` : reason(wait.why);
        const label = [text, Number.isFinite(planned) ? span(planned) : ''].find((each) => widthOf(each) < width - 9);
        return label ? [...parts, drawn('text', { class: 'wait', x: passed.x + 6, y: top + WAITS / 2 + 4 }, label)] : parts;
    });
}

function subscriptions(keys, model, plot, top, now) {
    return keys.flatMap(([key, spans], row) => {
        const y = top + row * KEY;
        const bars = spans.filter(({ shows }) => shows).flatMap((each) => {
            const place = shown(plot, each, now);
            return place ? [drawn('rect', { class: `key ${each.shows}`, ...place, y: y + 2, height: KEY - 5, rx: 2 })] : [];
        });
        return [...bars, drawn('text', { class: 'key', x: plot.left + 5, y: y + 11 }, key)];
    });
}

function lines(plot, height, now, cursor) {
    const line = (sort, time) => {
        const x = plot.x(time);
        return time >= plot.from && time <= plot.to ? [drawn('line', { class: sort, x1: x, x2: x, y1: AXIS - 8, y2: height })] : [];
    };
    return [...line('now', now), ...(cursor === undefined ? [] : line('cursor', cursor))];
}
