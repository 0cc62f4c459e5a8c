// The JavaScript half of fetch.rs. One call creates a request, another sends it.
import { headersOf } from './http.js';

export function makeRequest(method, url, headers, body) {
  return new Request(url, { method, headers: headersOf(headers), body, redirect: 'manual' });
}

export class Sending {
  #controller = new AbortController();

  constructor(request) {
    this.answer = fetch(request, { signal: this.#controller.signal });
  }

  abort() {
    this.#controller.abort();
  }
}
