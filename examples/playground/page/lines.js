// Lines of a log: one JSON object each.

/** A value as the logs of the project write it, with a blank behind each colon and comma. */
export function written(value) {
    if (Array.isArray(value)) {
        return `[${value.map(written).join(', ')}]`;
    }
    if (value !== null && typeof value === 'object') {
        const fields = Object.entries(value).filter(([, field]) => field !== undefined);
        return `{${fields.map(([key, field]) => `${JSON.stringify(key)}: ${written(field)}`).join(', ')}}`;
    }
    return JSON.stringify(value);
}

/** The objects of a text with one on each line. */
export function parsed(text) {
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** When a line is, in milliseconds. */
export function when(line) {
    return line.at ?? line.at_us / 1000;
}

const TIMELINE = /^\s*([\d.]+) s {2}\s*(#\d+|) {2}(.{12,}?)(?: {2}(.*))?$/;

/** The columns of a line of a timeline for people. */
export function columns(line) {
    const [, seconds, epoch, label, what] = TIMELINE.exec(line) ?? [null, '0', '', '', line];
    return { at: Math.round(Number(seconds) * 1000), epoch, label: label.trim(), what: what ?? '' };
}
