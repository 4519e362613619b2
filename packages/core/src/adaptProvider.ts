/**
 * Makes the `AnalyticsProvider` service of a definition that somebody wrote with promises.
 *
 * Whatever a method does (throws, rejects, never answers, answers rubbish) comes out as one of the two typed failures, or, of
 * `capture` and `shutdown`, as nothing. Texts of a rejection are not repeated, since they may name a person. Retries nothing,
 * remembers nothing; capabilities stay live.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AnalyticsMessage } from "./AnalyticsMessage.ts"
import { adaptLoop } from "./adaptLoop.ts"
import {
  AnalyticsMessagesRefused,
  AnalyticsProvider,
  AnalyticsWriteError,
  type AnalyticsProviderDefinition,
  type MessageOrigin,
  type PersonProperties,
  type PersonRead,
  type PersonReadFailure,
  PersonReadUnavailable
} from "./AnalyticsProvider.ts"
import { failureOfStatus } from "./failureOfStatus.ts"

export interface AdaptProviderOptions {
  /** How long a method may take, in milliseconds. 10000. */
  readonly timeout?: number
  /** How long making the loop's webhook may take, in milliseconds: it is many requests. 120000. */
  readonly loopTimeout?: number
  /** How long `shutdown` may take: short, since a server that drains is to end within 20 seconds in all. 4000. */
  readonly shutdownTimeout?: number
}

/** The service. Nobody calls the definition's `shutdown`: `providerLayer` does. */
export const adaptProvider = (
  definition: AnalyticsProviderDefinition,
  { loopTimeout = 120_000, timeout = 10_000 }: AdaptProviderOptions = {}
): AnalyticsProvider["Service"] => {
  const { id } = definition.meta
  const can = (name: keyof AnalyticsProviderDefinition["capabilities"]): boolean =>
    Result.getOrElse(
      Result.try(() => definition.capabilities[name] === true),
      () => false
    )

  const readPerson = Effect.fn("AnalyticsProvider.readPerson")(function* (distinctId: string) {
    if (!can("personReads")) return yield* unreadable("no-credential", `${id} has no credential to read persons with.`)
    return yield* attempt(async () => asRead(await definition.getPersonProperties(distinctId)), timeout).pipe(
      Effect.mapError((failure) => toUnreadable(failure, id, timeout))
    )
  })

  /** Undefined: it cannot do this, and the message is left out. */
  const call = (message: AnalyticsMessage): (() => Promise<unknown> | void) | undefined => {
    switch (message.type) {
      case "person.set":
        return can("personWrites") ? () => definition.setPersonProperties(message.data) : undefined
      case "person.merge":
        return can("identityMerge") ? () => definition.mergeIdentities?.(message.data) : undefined
      case "group.set":
        return can("groups") ? () => definition.groupIdentify?.(message.data) : undefined
      case "person.delete":
        return async () => {
          for (const distinctId of message.data.distinctIds) await definition.deletePerson?.(distinctId)
        }
    }
  }

  const send = (method: () => Promise<unknown> | void) =>
    attempt(async () => method(), timeout).pipe(Effect.mapError((failure) => toRefused(failure, id, timeout)))

  const deliver = Effect.fn("AnalyticsProvider.deliver")(function* (
    messages: ReadonlyArray<AnalyticsMessage>,
    origin?: MessageOrigin
  ) {
    if (messages.length === 0) return
    if (definition.deliver !== undefined)
      return yield* Effect.asVoid(send(() => definition.deliver?.(messages, origin)))
    for (const message of messages) {
      const method = call(message)
      if (method !== undefined) yield* send(method)
    }
  })

  const captured = { lastError: null as AnalyticsWriteError | null }
  const noteCapture = Effect.fnUntraced(function* (failure: Failure) {
    const at = new Date(yield* Clock.currentTimeMillis)
    captured.lastError = { reason: toRefused(failure, id, timeout).failure, at }
  })

  return AnalyticsProvider.of({
    meta: definition.meta,
    get project() {
      const project = fieldOf(definition, "project")
      return typeof project === "string" ? project : ""
    },
    capabilities: {
      get personReads() {
        return can("personReads")
      },
      get personWrites() {
        return can("personWrites")
      },
      get identityMerge() {
        return can("identityMerge")
      },
      get groups() {
        return can("groups")
      },
      get deletePerson() {
        return definition.deletePerson !== undefined
      }
    },
    readPerson,
    capture: ({ groups, ...event }) =>
      Effect.suspend(() => {
        if (!can("personWrites")) return Effect.void
        const told = can("groups") && groups !== undefined ? { ...event, groups } : event
        return attempt(async () => definition.capture(told), timeout).pipe(
          Effect.matchEffect({
            onSuccess: () => Effect.sync(() => void (captured.lastError = null)),
            onFailure: noteCapture
          }),
          Effect.forkDetach({ startImmediately: true }),
          Effect.asVoid
        )
      }),
    deliver,
    get lastWriteError() {
      const own = fieldOf(definition, "lastWriteError")
      return isWriteError(own) ? own : captured.lastError
    },
    loop: definition.loop && adaptLoop(definition.loop, id, { timeout, loopTimeout })
  })
}

/** The service for as long as the scope is open; then `shutdown` gets its time, and is not waited for any longer. */
export const providerLayer = (
  definition: AnalyticsProviderDefinition,
  { shutdownTimeout = 4000, ...options }: AdaptProviderOptions = {}
): Layer.Layer<AnalyticsProvider> =>
  Layer.effect(
    AnalyticsProvider,
    Effect.as(
      Effect.addFinalizer(() =>
        attempt(async () => definition.shutdown?.(), shutdownTimeout).pipe(
          Effect.catch(() =>
            Effect.logWarning(`The analytics provider ${definition.meta.id} did not shut down in order.`)
          )
        )
      ),
      adaptProvider(definition, options)
    )
  )

/** How a method came to no good: `late`, or with what it threw. */
type Failure = { readonly late: true } | { readonly late: false; readonly thrown: unknown }

const attempt = <A>(method: () => Promise<A>, timeout: number): Effect.Effect<A, Failure> =>
  Effect.tryPromise({ try: method, catch: (thrown): Failure => ({ late: false, thrown }) }).pipe(
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail<Failure>({ late: true }) })
  )

/** A copy, made where a property that throws is still a failure of the method. */
const asRead = (answer: PersonProperties | null): PersonRead => {
  if (answer === null) return { _tag: "PersonNotFound" }
  if (Object.prototype.toString.call(answer) !== "[object Object]") {
    throw new PersonReadUnavailable({
      reason: "bad-response",
      error: "What it answered are no properties of a person."
    })
  }
  return { _tag: "PersonFound", properties: { ...answer } }
}

const unreadable = (reason: PersonReadFailure, error: string) => new PersonReadUnavailable({ reason, error })

const toUnreadable = (failure: Failure, id: string, timeout: number): PersonReadUnavailable => {
  if (failure.late) return unreadable("timeout", `${id} did not answer within ${timeout} ms.`)
  const { thrown } = failure
  if (thrown instanceof PersonReadUnavailable) return thrown
  if (fieldOf(thrown, "name") === "TimeoutError") return unreadable("timeout", `${id} did not answer in time.`)
  const status = statusOf(thrown)
  if (status === null) return unreadable("unreachable", `${id} did not answer: it failed with ${nameOf(thrown)}.`)
  return unreadable(failureOfStatus(status), `${id} answered ${status}.`)
}

const isWriteError = Schema.is(AnalyticsWriteError)

const toRefused = (failure: Failure, id: string, timeout: number): AnalyticsMessagesRefused => {
  const refused = (error: string, status: number | null, retryAfter: string | null) =>
    new AnalyticsMessagesRefused({ error, status, retryAfter })
  if (failure.late) {
    const error = `${id} did not answer within ${timeout} ms.`
    return new AnalyticsMessagesRefused({ error, status: null, retryAfter: null, reason: "timeout" })
  }
  const { thrown } = failure
  if (thrown instanceof AnalyticsMessagesRefused) return thrown
  const status = statusOf(thrown)
  const error = status === null ? `${id} failed with ${nameOf(thrown)}.` : `${id} answered ${status}.`
  return refused(error, status, retryAfterOf(thrown))
}

/** A field of what somebody else made, which may be anything, and may throw. */
const fieldOf = (thrown: unknown, name: string): unknown =>
  Result.getOrElse(
    Result.try(() => (Predicate.hasProperty(thrown, name) ? thrown[name] : undefined)),
    () => undefined
  )

const statusOf = (thrown: unknown): number | null => {
  const status = fieldOf(thrown, "status")
  return typeof status === "number" && Number.isInteger(status) && status >= 100 && status < 600 ? status : null
}

/** A field of the header's form, never longer. */
const retryAfterOf = (thrown: unknown): string | null => {
  const value = fieldOf(thrown, "retryAfter")
  if (typeof value === "number" && Number.isFinite(value)) return String(Math.max(0, Math.ceil(value)))
  return typeof value === "string" && value.length <= 100 ? value : null
}

/** What kind of an error it is, where that is a plain word: never a text, which may hold a person's id. */
const nameOf = (thrown: unknown): string => {
  const names = [fieldOf(fieldOf(thrown, "cause"), "code"), fieldOf(thrown, "code"), fieldOf(thrown, "name")]
  return names.find((name) => typeof name === "string" && /^[A-Za-z_]{1,40}$/.test(name))?.toString() ?? "an error"
}
