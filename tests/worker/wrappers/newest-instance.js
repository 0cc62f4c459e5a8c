// Records the newest wasm instance. Import it before modules that create instances.
let newest;

WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...of) {
    super(...of);
    newest = this;
  }
};

export const newestInstance = () => newest;
