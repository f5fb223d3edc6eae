// What a drawing needs to place things along an axis.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
    100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR,
];

/** Times for the marks of an axis, at least so many pixels apart. */
export function timeMarks(from, to, width, apart) {
    const wanted = ((to - from) / Math.max(1, width)) * apart;
    const step = STEPS.find((each) => each >= wanted) ?? Math.ceil(wanted / (24 * HOUR)) * 24 * HOUR;
    const marks = [];
    for (let at = Math.ceil(Math.max(0, from) / step) * step; at <= to; at += step) {
        marks.push(at);
    }
    return { step, marks };
}

/** Round numbers for the marks of an axis from 0, at most so many. */
export function roundMarks(most, many) {
    const rough = most / Math.max(1, many);
    const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
    const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough);
    const marks = [];
    for (let at = 0; at <= most * 1.0001; at += step) {
        marks.push(at);
    }
    return marks;
}

/** About how wide a text of the drawings is, in pixels. */
export const widthOf = (text, size = 11) => text.length * size * 0.6;

/** A text that fits into so many pixels; empty where nothing readable would be left. */
export function fitted(text, width, size = 11) {
    const fits = Math.floor(width / (size * 0.6));
    if (text.length <= fits) {
        return text;
    }
    return fits >= 5 ? `${text.slice(0, fits - 1)}…` : '';
}
