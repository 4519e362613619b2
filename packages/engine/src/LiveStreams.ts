/**
 * The streams that callers hold open: so many a process, each with heartbeats, and all of them ended when the server stops,
 * so that a shutdown need not wait for somebody who would listen for ever.
 */
import { Heartbeat, Overloaded } from "@hogsend/core"
import { Clock, Context, Deferred, Effect, Layer, Stream } from "effect"

/** How many streams a process holds, and how often they beat. */
export interface LiveStreamsOptions {
  /** How many may be open at the same time. 64. */
  readonly maxStreams?: number
  /** How often a stream shows that it lives, in milliseconds. 10000. */
  readonly heartbeat?: number
}

/** The streams that callers hold open: limits them, keeps them alive, ends them with the server. */
export class LiveStreams extends Context.Service<
  LiveStreams,
  {
    /** What is begun, with heartbeats, the first of them as soon as it is. `Overloaded` when there is no room, or none any more. */
    readonly open: <A, E>(begun: Effect.Effect<Stream.Stream<A, E>, E>) => Stream.Stream<A | Heartbeat, E | Overloaded>
    /** Ends all of them, and opens none from now on. */
    readonly end: Effect.Effect<void>
  }
>()("engine/LiveStreams") {
  static readonly layer = ({ heartbeat = 10_000, maxStreams = 64 }: LiveStreamsOptions = {}) =>
    Layer.effect(
      LiveStreams,
      Effect.gen(function* () {
        const ended = yield* Deferred.make<void>()
        const streams = new Set<object>()
        const end = Effect.asVoid(Deferred.succeed(ended, undefined))
        yield* Effect.addFinalizer(() => end)

        const enter = Effect.acquireRelease(
          Effect.suspend(() => {
            if (Deferred.isDoneUnsafe(ended)) return Effect.fail(stopping)
            if (streams.size >= maxStreams) return Effect.fail(full(maxStreams))
            const stream = {}
            streams.add(stream)
            return Effect.succeed(stream)
          }),
          (stream) => Effect.sync(() => streams.delete(stream))
        )

        const later = Stream.mapEffect(Stream.drop(Stream.tick(heartbeat), 1), () => Clock.currentTimeMillis)
        const beats = (began: number) =>
          Stream.map(Stream.concat(Stream.succeed(began), later), (now) => new Heartbeat({ at: new Date(now) }))

        return LiveStreams.of({
          open: (begun) =>
            Stream.unwrap(
              Effect.gen(function* () {
                yield* enter
                const began = yield* Clock.currentTimeMillis
                return Stream.merge(yield* begun, beats(began), { haltStrategy: "left" })
              })
            ).pipe(Stream.interruptWhen(Deferred.await(ended))),
          end
        })
      })
    )
}

const full = (maxStreams: number) =>
  new Overloaded({
    error: `This server has ${maxStreams} streams open, which is as many as it takes. Close one, or try again later.`
  })

const stopping = new Overloaded({ error: "This server is about to stop. Ask again in a moment." })
