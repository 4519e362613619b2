/** An analytics provider that writes down what it is told and does as the test says; in place of a real one. */
import { type AnalyticsEvent, type AnalyticsMessage, AnalyticsMessagesRefused, AnalyticsProvider } from "@hogsend/core"
import { Context, Effect, Layer } from "effect"

type Deliver = AnalyticsProvider["Service"]["deliver"]

export class ScriptedProvider extends Context.Service<
  ScriptedProvider,
  {
    /** Every call of `deliver`, in order. */
    readonly calls: Array<ReadonlyArray<AnalyticsMessage>>
    /** What calls that ended well took, in order. */
    readonly took: Array<AnalyticsMessage>
    readonly captured: Array<AnalyticsEvent>
    /** Who was asked about. */
    readonly read: Array<string>
    /** From now on a call does this first; when it fails, nothing was taken. */
    readonly does: (deliver: Deliver) => void
    /** Live: without it, it is as if no key were there. */
    readonly writes: (can: boolean) => void
  }
>()("test/ScriptedProvider") {
  /** With the service of core. */
  static readonly make = Effect.sync(() => {
    const [calls, took, captured, read]: [
      Array<ReadonlyArray<AnalyticsMessage>>,
      Array<AnalyticsMessage>,
      Array<AnalyticsEvent>,
      Array<string>
    ] = [[], [], [], []]
    const state: { deliver: Deliver; writes: boolean } = { deliver: () => Effect.void, writes: true }
    const provider = AnalyticsProvider.of({
      meta: { id: "scripted", name: "Scripted" },
      project: "",
      capabilities: {
        personReads: true,
        identityMerge: true,
        get personWrites() {
          return state.writes
        }
      },
      readPerson: (distinctId) =>
        Effect.sync(() => {
          read.push(distinctId)
          return { _tag: "PersonFound", properties: { name: `${distinctId} by name` } } as const
        }),
      capture: (event) => Effect.sync(() => void captured.push(event)),
      deliver: (messages) =>
        Effect.suspend(() => {
          calls.push(messages)
          return Effect.tap(state.deliver(messages), () => Effect.sync(() => took.push(...messages)))
        })
    })
    const scripted = ScriptedProvider.of({
      calls,
      took,
      captured,
      read,
      does: (deliver) => void (state.deliver = deliver),
      writes: (can) => void (state.writes = can)
    })
    return Context.make(AnalyticsProvider, provider).pipe(Context.add(ScriptedProvider, scripted))
  })

  static readonly layer = Layer.effectContext(ScriptedProvider.make)
}

export const refuses = (status: number | null, retryAfter: string | null = null) =>
  new AnalyticsMessagesRefused({ error: "It was refused.", status, retryAfter })
