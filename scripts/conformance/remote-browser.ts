// A browser that is controlled from outside, and what WebDriver and WebDriver BiDi have in common here.

export interface RemoteBrowser {
  /** Name and version. */
  name: string;
  open(url: string): Promise<void>;
  click(selector: string): Promise<void>;
  type(selector: string, text: string): Promise<void>;
  /** The value of an expression in the page, as JSON carries it; a promise is awaited. */
  evaluate<T>(expression: string): Promise<T>;
  close(): Promise<void>;
}

/** Only for what cannot be awaited: a program that opens a port says nothing to us. */
const ASK_AGAIN_MS = 50;

/** Asks until it gives something. */
export async function eventually<T>(what: string, timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline)
        throw new Error(`${what} did not come within ${timeoutMs} ms`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}
