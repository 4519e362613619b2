/**
 * An analytics provider for tests: it can do everything, asks nobody, and writes down what it is told.
 *
 * Reads find the persons that a test puts there. What it is told changes none of them: a test that needs the rules of a
 * platform uses `TestPostHog`.
 */
import {
  type AnalyticsEvent,
  type AnalyticsMessage,
  AnalyticsMessagesRefused,
  AnalyticsProvider,
  type IdentityMerging,
  type PersonChange,
  type PersonProperties,
  type PersonReadFailure,
  PersonReadUnavailable
} from "@hogsend/core"
import { Context, Effect, Layer } from "effect"

/** An analytics provider that writes down what it is told, and finds the persons that a test puts there. */
export class RecordingAnalytics extends Context.Service<
  RecordingAnalytics,
  {
    /** What was captured, in order. */
    readonly captures: ReadonlyArray<AnalyticsEvent>
    /** All that the destination queue told it and it took, in order: changes, merges, deletions, groups. */
    readonly messages: ReadonlyArray<AnalyticsMessage>
    /** The changes of persons among them: `{ distinctId: "u_1", set: { plan: "pro" } }`. */
    readonly writes: ReadonlyArray<PersonChange>
    /** The merges among them: `{ distinctId: "u_1", alias: "anon_1" }`. */
    readonly merges: ReadonlyArray<IdentityMerging>
    /** Who reads find: `persons.set("u_1", { plan: "pro" })`. The engine remembers what it read for five minutes. */
    readonly persons: Map<string, PersonProperties>
    /** The next calls that tell it something, as many as `times` (1) says, are refused with this status of HTTP. */
    readonly failWrites: (status: number, times?: number) => void
    /** The next reads, as many as `times` (1) says, fail for this reason. */
    readonly failReads: (reason: PersonReadFailure, times?: number) => void
  }
>()("testing/RecordingAnalytics") {
  /**
   * The provider, and what it was told. In the place of the engine's own:
   *
   * ```ts
   * HogsendTest.layer({ services: { analyticsProvider: RecordingAnalytics.layer } })
   * ```
   */
  static readonly layer = Layer.effectContext(
    Effect.sync(() => {
      const captures: Array<AnalyticsEvent> = []
      const messages: Array<AnalyticsMessage> = []
      const persons = new Map<string, PersonProperties>()
      const refusals: Array<number> = []
      const failures: Array<PersonReadFailure> = []

      const provider = AnalyticsProvider.of({
        meta: { id: "recording", name: "A test's recording" },
        project: "",
        capabilities: { personReads: true, personWrites: true, identityMerge: true, groups: true, deletePerson: true },
        readPerson: (distinctId) =>
          Effect.suspend(() => {
            const reason = failures.shift()
            if (reason !== undefined) return Effect.fail(new PersonReadUnavailable({ reason, error: ordered }))
            const properties = persons.get(distinctId)
            return Effect.succeed(
              properties === undefined
                ? { _tag: "PersonNotFound" as const }
                : { _tag: "PersonFound" as const, properties }
            )
          }),
        capture: (event) => Effect.sync(() => void captures.push(event)),
        deliver: (told) =>
          Effect.suspend(() => {
            const status = refusals.shift()
            if (status !== undefined) {
              return Effect.fail(new AnalyticsMessagesRefused({ error: ordered, status, retryAfter: null }))
            }
            messages.push(...told)
            return Effect.void
          })
      })

      const recording = RecordingAnalytics.of({
        captures,
        messages,
        get writes() {
          return messages.flatMap((message) => (message.type === "person.set" ? [message.data] : []))
        },
        get merges() {
          return messages.flatMap((message) => (message.type === "person.merge" ? [message.data] : []))
        },
        persons,
        failWrites: (status, times = 1) => void refusals.push(...Array.from({ length: times }, () => status)),
        failReads: (reason, times = 1) => void failures.push(...Array.from({ length: times }, () => reason))
      })
      return Context.make(AnalyticsProvider, provider).pipe(Context.add(RecordingAnalytics, recording))
    })
  )
}

const ordered = "A test ordered this failure."
