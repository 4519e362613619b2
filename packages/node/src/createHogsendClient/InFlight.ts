/** Counts what has begun and not ended, for whoever wants to wait for all of it. */
export class InFlight {
  #count = 0
  readonly #waiting: Array<() => void> = []

  /** Answers what is to be called when it ends: once, or again without an effect. */
  begin(): () => void {
    this.#count++
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.#count === 0) for (const resume of this.#waiting.splice(0)) resume()
    }
  }

  /** Resolves as soon as nothing is on its way. */
  ended(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resume) => this.#waiting.push(resume))
  }
}
