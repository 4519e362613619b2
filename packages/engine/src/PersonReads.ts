/**
 * What the analytics platform knows of persons, for whoever decides by it: properties, and the time zone that follows of all
 * that is known. A read has a typed outcome; `propertiesOrEmpty` is the one place where a failure becomes `{}`.
 *
 * Answers are remembered for a while, concurrent reads of one person are one call, a provider that fails is left alone for a
 * while. Nothing that a provider does lasts longer than the time-out, or is a defect. Writes are not its business.
 */
import {
  type AnalyticsHealth,
  AnalyticsProvider,
  type Contact,
  type PersonProperties,
  type PersonRead,
  PersonReadUnavailable
} from "@hogsend/core"
import { Cache, Clock, Context, Data, Duration, Effect, Exit, Layer } from "effect"
import { AnalyticsProviders } from "./AnalyticsProviders.ts"
import { Metrics } from "./Metrics.ts"
import { makeReadBreaker, type ReadBreakerOptions } from "./PersonReads/readBreaker.ts"
import { resolveTimezone } from "./PersonReads/resolveTimezone.ts"
import { timeZoneName } from "./timeZoneName.ts"

export interface PersonReadsOptions {
  /** How long a read may take, in milliseconds. 10000. */
  readonly timeout?: number
  /** How long an answer counts, that there is nobody too, in milliseconds. 300000. */
  readonly rememberFor?: number
  /** How many persons are remembered. 10000. */
  readonly rememberPersons?: number
  readonly breaker?: ReadBreakerOptions
  /** Of people of whom none is known. UTC. */
  readonly timezone?: string | undefined
}

/** What the analytics platform knows of a person: remembered, limited, and left alone while it is broken. */
export class PersonReads extends Context.Service<
  PersonReads,
  {
    /** Under any id that the platform may know the person by. */
    readonly read: (distinctId: string) => Effect.Effect<PersonRead, PersonReadUnavailable>
    /** `{}` too when it cannot be known, which is counted, and logged once per reason until a read works again. */
    readonly propertiesOrEmpty: (distinctId: string) => Effect.Effect<PersonProperties>
    /** The same, of a contact's person: under the contact key. */
    readonly propertiesOf: (contact: Pick<Contact, "contactKey">) => Effect.Effect<PersonProperties>
    /**
     * The canonical name of the first of these that names a time zone: `explicit`, the person's `$timezone` and
     * `$geoip_time_zone`, the contact's `timezone` and its property of that name, the default, UTC. What names none is logged.
     */
    readonly timezoneOf: (
      contact: Pick<Contact, "contactKey" | "timezone" | "properties">,
      options?: { readonly explicit?: string | null | undefined }
    ) => Effect.Effect<string>
    /** Of whom something was just changed: what was or is being read of them is not kept. */
    readonly forget: (distinctIds: ReadonlyArray<string>) => Effect.Effect<void>
    readonly health: Effect.Effect<AnalyticsHealth>
  }
>()("engine/PersonReads") {
  static readonly layer = ({
    breaker = {},
    rememberFor = 300_000,
    rememberPersons = 10_000,
    timeout = 10_000,
    timezone: standard
  }: PersonReadsOptions = {}) =>
    Layer.effect(
      PersonReads,
      Effect.gen(function* () {
        const provider = yield* AnalyticsProvider
        const { id, name, readsHint } = provider.meta
        const configured = id !== AnalyticsProviders.none.meta.id
        const guarded = makeReadBreaker(breaker)
        // That there is no credential is said here, or nothing is configured, which is nothing to say.
        const said = new Set<string>(["no-credential"])
        const seen = { lastReadError: null as AnalyticsHealth["lastReadError"], softFailures: 0 }
        const count = yield* Metrics.counter("hogsend_analytics_reads_total")
        const countSoftFailure = (yield* Metrics.counter("hogsend_analytics_soft_failures_total"))()
        if (configured && !provider.capabilities.personReads) {
          yield* Effect.logWarning(
            [`${name} cannot be asked about persons: ${withoutReads}`, readsHint].join(" ").trim()
          )
        }

        /** A service that a host app made itself may hang or die. */
        const ask = (distinctId: string) =>
          Effect.suspend(() => provider.readPerson(distinctId)).pipe(
            Effect.timeoutOrElse({
              duration: timeout,
              orElse: () => fail("timeout", `${id} did not answer within ${timeout} ms.`)
            }),
            Effect.catchDefect(() => fail("bad-response", `${id} broke while it read a person.`)),
            Effect.tap((read) =>
              Effect.sync(() => {
                count(read._tag === "PersonFound" ? "found" : "not_found")(1)
                said.clear()
              })
            ),
            Effect.tapError(({ reason }) => Effect.sync(() => count(outcomeOf(reason))(1))),
            Effect.tapError(({ reason }) =>
              reason === "no-credential"
                ? Effect.void
                : Effect.map(Clock.currentTimeMillis, (now) => {
                    seen.lastReadError = { reason, at: new Date(now) }
                  })
            )
          )

        const memory = yield* Cache.makeWith(({ distinctId }: Person) => guarded(ask(distinctId)), {
          capacity: rememberPersons,
          timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.millis(rememberFor) : Duration.zero)
        })
        const personOf = (distinctId: string) => new Person({ provider: id, project: provider.project, distinctId })

        const read = Effect.fn("PersonReads.read")(function* (distinctId: string) {
          if (!provider.capabilities.personReads) {
            return yield* fail("no-credential", `There is no credential to read persons with.`)
          }
          // The contact key of somebody who was erased.
          if (distinctId === "") return { _tag: "PersonNotFound" } as const
          return yield* Cache.get(memory, personOf(distinctId))
        })

        const goOnWithout = Effect.fnUntraced(function* ({ error, reason }: PersonReadUnavailable) {
          if (configured) {
            seen.softFailures++
            countSoftFailure(1)
          }
          if (!said.has(reason)) {
            said.add(reason)
            yield* Effect.logWarning(`Persons cannot be read, so ${withoutReads}`, { provider: id, reason, error })
          }
          return {}
        })

        const propertiesOrEmpty = (distinctId: string) =>
          read(distinctId).pipe(
            Effect.map((answer): PersonProperties => (answer._tag === "PersonFound" ? answer.properties : {})),
            Effect.catchTag("PersonReadUnavailable", goOnWithout)
          )
        const propertiesOf: PersonReads["Service"]["propertiesOf"] = ({ contactKey }) => propertiesOrEmpty(contactKey)

        const timezoneOf: PersonReads["Service"]["timezoneOf"] = Effect.fn("PersonReads.timezoneOf")(function* (
          contact,
          { explicit } = {}
        ) {
          const person = timeZoneName(explicit) === undefined ? yield* propertiesOf(contact) : {}
          const { invalid, timezone } = resolveTimezone({ explicit, person, contact, standard })
          for (const source of invalid)
            yield* Effect.logWarning(`A time zone is no IANA name, and is passed over: ${source}`)
          return timezone
        })

        return PersonReads.of({
          read,
          propertiesOrEmpty,
          propertiesOf,
          timezoneOf,
          forget: (distinctIds) =>
            Effect.forEach(distinctIds, (distinctId) => Cache.invalidate(memory, personOf(distinctId)), {
              discard: true
            }),
          health: Effect.sync(() => ({
            configured,
            provider: configured ? id : null,
            personReads: configured ? provider.capabilities.personReads : null,
            personWrites: configured ? provider.capabilities.personWrites : null,
            ...seen,
            lastWriteError: provider.lastWriteError ?? null
          }))
        })
      })
    )
}

/** Of which project of which provider: what one knows says nothing of another's. */
class Person extends Data.Class<{
  readonly provider: string
  readonly project: string
  readonly distinctId: string
}> {}

const outcomeOf = (reason: PersonReadUnavailable["reason"]) => reason.replaceAll("-", "_")

const fail = (reason: PersonReadUnavailable["reason"], error: string) =>
  Effect.fail(new PersonReadUnavailable({ reason, error }))

const withoutReads = "only what contacts say of themselves is known."
