/**
 * When a client's engine starts and ends: at the first use, once for all who wait for it, and again at the next use when it
 * failed; ended once, for good, after what is in flight.
 */
import { Effect, Exit, Layer, ManagedRuntime } from "effect"
import { InFlight } from "./InFlight.ts"
import { disposed, rejectionOf } from "./rejection.ts"

export class ClientRuntime<R, E> {
  readonly inFlight = new InFlight()
  readonly #memoMap = Layer.makeMemoMapUnsafe()
  readonly #layer: Layer.Layer<R, E>
  readonly #drainTimeout: number
  readonly #atTheEnd: Effect.Effect<void, never, R>
  #starting: Promise<ManagedRuntime.ManagedRuntime<R, E>> | undefined
  #building: ManagedRuntime.ManagedRuntime<R, E> | undefined
  #ending: Promise<void> | undefined

  /** `atTheEnd` is done before what is in flight is waited for, so long as `drainTimeout` milliseconds. */
  constructor(
    layer: (inFlight: InFlight) => Layer.Layer<R, E>,
    {
      atTheEnd,
      drainTimeout
    }: { readonly atTheEnd: Effect.Effect<void, never, NoInfer<R>>; readonly drainTimeout: number }
  ) {
    this.#layer = layer(this.inFlight)
    this.#drainTimeout = drainTimeout
    this.#atTheEnd = atTheEnd
  }

  /** The engine, as soon as it runs. */
  start(): Promise<ManagedRuntime.ManagedRuntime<R, E>> {
    if (this.#ending !== undefined) return Promise.reject(disposed())
    this.#starting ??= this.#build().catch((failure: unknown) => {
      this.#starting = undefined
      throw failure
    })
    return this.#starting
  }

  /** Answers what the effect does, or rejects with what it fails with. */
  run<A, E1>(effect: Effect.Effect<A, E1, R>): Promise<A> {
    return this.during(async () => this.#valueOf(await (await this.start()).runPromiseExit(effect)))
  }

  /** The same over a part of the engine alone, which is the running engine's, or else ends with the effect. */
  runWith<Part, E1, A, E2>(part: Layer.Layer<Part, E1>, effect: Effect.Effect<A, E2, Part>): Promise<A> {
    if (this.#ending !== undefined) return Promise.reject(disposed())
    const built = Effect.flatMap(Effect.scope, (scope) => Layer.buildWithMemoMap(part, this.#memoMap, scope))
    return this.during(async () =>
      this.#valueOf(
        await Effect.runPromiseExit(
          Effect.scoped(Effect.flatMap(built, (context) => Effect.provideContext(effect, context)))
        )
      )
    )
  }

  /** Counts a piece of work as in flight. */
  async during<A>(work: () => Promise<A>): Promise<A> {
    const end = this.inFlight.begin()
    try {
      return await work()
    } finally {
      end()
    }
  }

  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #build() {
    const runtime = ManagedRuntime.make(this.#layer, { memoMap: this.#memoMap })
    this.#building = runtime
    const exit = await Effect.runPromiseExit(runtime.contextEffect)
    this.#building = undefined
    // What was opened before it failed is closed before anybody tries again.
    if (Exit.isFailure(exit)) await runtime.dispose()
    return this.#valueOf(Exit.map(exit, () => runtime))
  }

  async #end() {
    // Whoever waits for a start that was not done by now is told that there will be none.
    await this.#building?.dispose()
    const runtime = await this.#starting?.catch(() => undefined)
    await runtime?.runPromise(this.#atTheEnd)
    await Effect.runPromise(
      Effect.timeoutOption(
        Effect.promise(() => this.inFlight.ended()),
        this.#drainTimeout
      )
    )
    await runtime?.dispose()
  }

  #valueOf<A>(exit: Exit.Exit<A, unknown>): A {
    if (Exit.isSuccess(exit)) return exit.value
    throw this.#ending !== undefined && Exit.hasInterrupts(exit) ? disposed() : rejectionOf(exit.cause)
  }
}
