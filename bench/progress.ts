// What is being measured, for whoever waits; apart from the results.

const began = performance.now();

export function progress(text: string): void {
  const seconds = Math.round((performance.now() - began) / 1000);
  console.error(`${`${seconds} s`.padStart(6)}  ${text}`);
}
