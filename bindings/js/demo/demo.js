// A page with the package: what the socket does is shown, and may be disturbed.
import { connect } from '/dist/index.js';

const [phase, why, log] = ['phase', 'why', 'log'].map((id) => document.getElementById(id));
const socket = connect(`ws://${location.host}/`, { preset: 'few', queue: 10 });

const note = (text) => {
  const line = document.createElement('li');
  line.textContent = `${new Date().toLocaleTimeString()} ${text}`;
  log.prepend(line);
};

const show = () => {
  const { until, waitingFor, lastCause, failures } = socket.explain();
  const left = until && Math.max(until - Date.now(), 0) / 1000;
  phase.textContent = socket.phase;
  why.textContent = [
    waitingFor && left !== undefined && `${waitingFor} for ${left.toFixed(1)} s more`,
    waitingFor && left === undefined && `until ${waitingFor} ends`,
    failures && `failures: ${failures}, the last of them ${lastCause}`,
    socket.queued && `messages that wait: ${socket.queued}`,
  ].filter(Boolean).join('; ');
};

socket.addEventListener('state', ({ detail }) => note(`${detail.phase} (${detail.trigger})`));
socket.addEventListener('message', ({ data }) => note(`the server says: ${data}`));
socket.addEventListener('failed', ({ detail }) => note(`given up: ${detail.reason}, ${detail.cause}`));
setInterval(show, 100);

document.getElementById('kill').onclick = () => socket.phase === 'online' && socket.send('KILL');
document.getElementById('retry').onclick = () => socket.retryNow();
document.getElementById('stop').onclick = () => socket.stop();
document.getElementById('start').onclick = () => socket.start();
document.getElementById('say').onsubmit = (event) => {
  event.preventDefault();
  socket.send(document.getElementById('text').value);
};
