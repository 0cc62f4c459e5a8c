// Prints what is being measured, separately from the results.

const began = performance.now();

export function progress(text: string): void {
  const seconds = Math.round((performance.now() - began) / 1000);
  console.error(`${`${seconds} s`.padStart(6)}  ${text}`);
}
