/**
 * Asks until there was an answer, and never again. Who asks while somebody else does waits for that answer; a failure is
 * everybody's who waited for it, and is not kept.
 */
export const onceKnown = <A>(ask: () => Promise<A>): (() => Promise<A>) => {
  let asked: Promise<A> | undefined
  return () => {
    asked ??= ask().catch((cause: unknown) => {
      asked = undefined
      throw cause
    })
    return asked
  }
}
