/** Lets everything that is due run once before going on: input, timers, other work of this process. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
