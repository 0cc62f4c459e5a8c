// Wraps the built Worker: the same entry points, and one more that returns the size of the wasm memory. It must be
// imported first, so that it sees the Worker's instance.

/** @type {WebAssembly.Instance[]} */
const instances = [];

const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    super(module, imports);
    instances.push(this);
  }
};

/** Bytes, as text. */
export const Memory = {
  fetch() {
    const memories = instances.map(({ exports }) => /** @type {WebAssembly.Memory} */ (exports.memory));
    return new Response(`${memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)}`);
  },
};
