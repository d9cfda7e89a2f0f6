/** What is there at once or only later: most steps wait for nothing, and a promise for each of their parts costs more than the parts. */
export type Soon<T> = T | Promise<T>;

/** Goes on with a value, at once where it is there. */
export function soon<T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
