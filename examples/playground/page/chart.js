// Curves over time: dials a second, and how many are online.

import { drawn } from './dom.js';
import { fitted, roundMarks, timeMarks } from './scale.js';
import { clock, count } from './words.js';

const TOP = 8;
const BOTTOM = 24;

/** Draws curves of values a second into a picture of this size. `shade` is a span of time that is greyed, with a name. */
export function chart(svg, { width, height, until, most, unit, curves, shade, cursor }) {
    const left = 46;
    const plot = {
        x: (second) => left + (second / until) * (width - left - 6),
        y: (value) => TOP + (1 - value / most) * (height - TOP - BOTTOM),
    };
    const base = plot.y(0);
    const parts = [];
    if (shade && shade.to > 0) {
        const [x, end] = [plot.x(0), plot.x(Math.min(until, shade.to))];
        parts.push(drawn('rect', { class: 'shade', x, y: TOP, width: end - x, height: base - TOP }));
        parts.push(drawn('text', { class: 'shade', x: end - 6, y: TOP + 14, 'text-anchor': 'end' }, fitted(shade.name, end - x - 8)));
    }
    for (const value of roundMarks(most, 4).filter((mark) => mark <= most)) {
        const y = plot.y(value);
        parts.push(drawn('line', { class: 'grid', x1: left, x2: width - 6, y1: y, y2: y }));
        parts.push(drawn('text', { class: 'tick', x: left - 7, y: y + 4, 'text-anchor': 'end' }, `${count(value)}${unit}`));
    }
    for (const time of timeMarks(0, until * 1000, width - left, 70).marks) {
        const x = plot.x(time / 1000);
        const anchor = x > width - 24 ? 'end' : 'middle';
        parts.push(drawn('text', { class: 'tick', x, y: height - 6, 'text-anchor': anchor }, clock(time, 0)));
    }
    for (const { sort, values } of curves) {
        parts.push(drawn('path', { class: `curve ${sort}`, d: path(values, plot, until, most) }));
    }
    if (cursor !== undefined) {
        parts.push(drawn('line', { class: 'cursor', x1: plot.x(cursor), x2: plot.x(cursor), y1: TOP, y2: base }));
    }
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('height', height);
    svg.replaceChildren(...parts);
}

/** A line through points of [second, value]. */
function path(points, plot, until, most) {
    const shown = points.filter(([second]) => second <= until);
    return shown.map(([second, value], at) => {
        return `${at ? 'L' : 'M'}${plot.x(second).toFixed(1)},${plot.y(Math.min(most, value)).toFixed(1)}`;
    }).join('');
}

/** So many points has a curve at most. */
const POINTS = 240;

/** What happened in each second as steps; of several seconds the mean. */
export function steps(values, until) {
    const width = Math.max(1, Math.ceil(until / POINTS));
    const points = [];
    for (let second = 0; second < until; second += width) {
        const sum = Array.from({ length: width }, (_, at) => values[second + at] ?? 0).reduce((one, other) => one + other, 0);
        points.push([second, sum / width], [second + width, sum / width]);
    }
    return points;
}

/** What was at the end of each second. */
export function levels(values, first, last, until) {
    const points = [[0, first]];
    for (let second = 0; second < until; second += 1) {
        points.push([second + 1, values[second] ?? last]);
    }
    return points;
}
