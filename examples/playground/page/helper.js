// A worker that can be given up: what it was asked is then never answered.

export class Helper {
    #worker;
    #asked = new Map();
    #last = 0;

    /** The answer to a question, or an error. A question that is given up rejects with `undefined`. */
    ask(question, transfer = []) {
        this.#worker ??= this.#started();
        this.#last += 1;
        const id = this.#last;
        return new Promise((resolve, reject) => {
            this.#asked.set(id, { resolve, reject });
            this.#worker.postMessage({ id, ...question }, transfer);
        });
    }

    /** Gives up what is under way. */
    cancel() {
        if (this.#asked.size > 0) {
            this.#worker.terminate();
            this.#worker = undefined;
            this.#fail(undefined);
        }
    }

    #started() {
        const worker = new Worker('worker.js', { type: 'module' });
        worker.addEventListener('message', ({ data: { id, answer, error } }) => {
            const { resolve, reject } = this.#asked.get(id);
            this.#asked.delete(id);
            if (error === undefined) {
                resolve(answer);
            } else {
                reject(new Error(error));
            }
        });
        worker.addEventListener('error', () => this.#fail(new Error('the worker stopped; load the page again')));
        return worker;
    }

    #fail(error) {
        this.#asked.forEach(({ reject }) => reject(error));
        this.#asked.clear();
    }
}
