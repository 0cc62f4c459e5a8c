// Stands beside the built Worker, not in its way: the same entry points, and one more that tells how large the wasm memory
// has become. It must be imported first, to be there when the Worker is instantiated.

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
