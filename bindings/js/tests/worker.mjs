// The package in a worker: it says its phases, and repeats what it is told.
import { connect } from '/dist/index.js';

const socket = connect(`ws://${location.host}/`, { queue: 9 });
socket.addEventListener('state', ({ detail }) => postMessage(['state', detail.phase]));
socket.addEventListener('message', ({ data }) => postMessage(['message', data]));
onmessage = ({ data }) => socket.send(data);
