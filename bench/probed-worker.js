import './memory-probe.js';

export { Dispatcher, default, VideoTask } from './index.js';
export { Memory } from './memory-probe.js';
