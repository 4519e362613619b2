/**
 * The contract with an analytics platform: reading and writing its persons, and capturing events.
 *
 * Written once with promises (`defineAnalyticsProvider`), for whoever brings a platform, and once with effects (the service),
 * for whoever uses one; the engine makes the second of the first and lets nothing through that throws, hangs or answers
 * rubbish. What must arrive is a message of the destination queue (`AnalyticsMessage`); `capture` is best effort.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LoopConnection, LoopNotProvisioned, LoopUnready, LoopWebhook } from "./AnalyticsLoop.ts"
import type { AnalyticsMessage } from "./AnalyticsMessage.ts"
import { failureOfStatus } from "./failureOfStatus.ts"
import { Instant } from "./Instant.ts"
import { TaggedError } from "./TaggedError.ts"

/** The properties of a person, by name, as the platform has them. */
export type PersonProperties = { readonly [name: string]: unknown }

/** What the platform can do with the credentials that it has. May be live getters. */
export interface AnalyticsCapabilities {
  /** `getPersonProperties` can answer. */
  readonly personReads: boolean
  /** `setPersonProperties` and `capture` reach the platform. */
  readonly personWrites: boolean
  /** `mergeIdentities` does something. False. */
  readonly identityMerge?: boolean
  /** Groups are understood, by `capture` and by `groupIdentify`. False. */
  readonly groups?: boolean
}

export interface PersonChange {
  readonly distinctId: string
  /** Overwrites. */
  readonly set?: PersonProperties | undefined
  /** Only what the person does not have. */
  readonly setOnce?: PersonProperties | undefined
  /** Names to remove. */
  readonly unset?: ReadonlyArray<string> | undefined
}

/** `distinctId` survives, `alias` becomes part of it. */
export interface IdentityMerging {
  readonly distinctId: string
  readonly alias: string
}

export interface GroupChange {
  readonly groupType: string
  readonly groupKey: string
  readonly properties?: PersonProperties | undefined
}

export interface AnalyticsEvent {
  readonly distinctId: string
  readonly event: string
  readonly properties?: PersonProperties | undefined
  /** The key of a group by its type. */
  readonly groups?: { readonly [type: string]: string } | undefined
  /** Nobody is known by this id for sure (a visitor): the platform should make no person for it. False. */
  readonly personless?: boolean | undefined
}

export interface AnalyticsMeta {
  /** What `ANALYTICS_PROVIDER` and `defaultProvider` name. `none` stands for no provider, and is nobody's. */
  readonly id: string
  readonly name: string
  readonly description?: string
  /** What to set so that persons can be read, as a sentence: said once at the start of a server that cannot read them. */
  readonly readsHint?: string
  /**
   * What to set so that persons and events can be written, as a sentence: said once at the start of a server that cannot write
   * them, and in the log when the platform does not take them.
   */
  readonly writesHint?: string
}

/** The webhook that a platform is to have. */
export interface LoopOrder {
  /** `https://api.example.com/v1/webhooks/{sourceId}`. */
  readonly webhookUrl: string
  /** What the webhook sends to prove where it comes from. Stands in no answer, error or log. */
  readonly secret: string
  /** Which Hogsend orders it: by this the platform's webhook is known as ours when the address is another one by then. */
  readonly installationId: string
  /** The address leads nowhere yet: a new webhook is disabled, and one that is there keeps its address. */
  readonly placeholder: boolean
}

/** A platform that can post what it captured to our webhook source. */
export interface AnalyticsLoopDefinition {
  /** The source that its webhook posts to, of `/v1/webhooks/{sourceId}`. */
  readonly sourceId: string
  readonly connectInfo: () => Promise<LoopConnection>
  /**
   * Makes the webhook, or brings ours, if it is there, to what was ordered: the one at this very address, or made for this
   * installation. Rejects with `LoopUnready` or
   * `LoopNotProvisioned`; whatever else is an `api-error`.
   */
  readonly provision: (order: LoopOrder) => Promise<LoopWebhook>
}

/** Who tells. What comes back with its id is known as ours. */
export interface MessageOrigin {
  readonly installationId: string
}

/**
 * A platform, with promises. A method that rejects with an error that has a `status` (of HTTP) and perhaps a `retryAfter` (the
 * header, or seconds) is judged by them; a rejected write is tried again for days.
 */
export interface AnalyticsProviderDefinition {
  readonly meta: AnalyticsMeta
  readonly capabilities: AnalyticsCapabilities
  /** Which project it speaks to: what is remembered of persons is kept apart by it. Holds no secret. `""`. */
  readonly project?: string
  /** Null, too, when the platform knows nobody under this id; `{}` is a person without properties. */
  readonly getPersonProperties: (distinctId: string) => Promise<PersonProperties | null>
  readonly setPersonProperties: (change: PersonChange) => Promise<void>
  /** Best effort, at once: what is captured may be lost. */
  readonly capture: (event: AnalyticsEvent) => void | Promise<void>
  readonly mergeIdentities?: (merging: IdentityMerging) => Promise<void> | void
  readonly groupIdentify?: (change: GroupChange) => Promise<void> | void
  /** Deletes the person for good, of whom nobody may be there. */
  readonly deletePerson?: (distinctId: string) => Promise<void>
  /**
   * Takes many messages at once, all or none of them: when it rejects, they come again, with the same ids and times. Without
   * it each message is one call of the methods above. Where the platform sends us what it takes, it is to carry the origin.
   */
  readonly deliver?: (messages: ReadonlyArray<AnalyticsMessage>, origin?: MessageOrigin) => Promise<void>
  /**
   * Of captures that are sent later, in the background: how the last sending failed, null after one that worked. A live getter.
   * Without it a capture whose promise rejects counts.
   */
  readonly lastWriteError?: AnalyticsWriteError | null
  /** The way back, if the platform has one. */
  readonly loop?: AnalyticsLoopDefinition
  /** Sends what waits to be sent. */
  readonly shutdown?: () => Promise<void>
}

/**
 * A platform of the host app's own.
 *
 * @example
 * const warehouse = defineAnalyticsProvider({
 *   meta: { id: "warehouse", name: "Our warehouse" },
 *   capabilities: { personReads: true, personWrites: true },
 *   getPersonProperties: async (distinctId) => (await people.get(distinctId)) ?? null,
 *   setPersonProperties: ({ distinctId, set }) => people.update(distinctId, set),
 *   capture: ({ distinctId, event, properties }) => events.push({ distinctId, event, properties })
 * })
 */
export const defineAnalyticsProvider = <Definition extends AnalyticsProviderDefinition>(
  definition: Definition
): Definition => definition

/** A change of a person or a group that no provider could be told: an id or a property bag that is none. */
export class PersonChangeInvalid extends TaggedError<PersonChangeInvalid>()("PersonChangeInvalid", {
  error: Schema.String
}) {}

/** Why a person cannot be read, in a word. */
export const PersonReadFailure = Schema.Literals([
  "no-credential",
  "unauthorized",
  "timeout",
  "rate-limited",
  "unreachable",
  "bad-response"
])
export type PersonReadFailure = typeof PersonReadFailure.Type

/** Nobody knows whether there is such a person. */
export class PersonReadUnavailable extends TaggedError<PersonReadUnavailable>()("PersonReadUnavailable", {
  reason: PersonReadFailure,
  /** For an operator. Names no person. */
  error: Schema.String
}) {}

/** Why persons and events cannot be written, in a word. `bad-response`: it answered, and neither success nor any of the others. */
export const AnalyticsWriteFailure = Schema.Literals([
  "unauthorized",
  "timeout",
  "rate-limited",
  "unreachable",
  "bad-response"
])
export type AnalyticsWriteFailure = typeof AnalyticsWriteFailure.Type

/** A write that failed, and when. Holds no secret and nothing of what was answered. */
export const AnalyticsWriteError = Schema.Struct({ reason: AnalyticsWriteFailure, at: Instant })
export type AnalyticsWriteError = typeof AnalyticsWriteError.Type

/** A read that was answered. */
export type PersonRead =
  | { readonly _tag: "PersonFound"; readonly properties: PersonProperties }
  | { readonly _tag: "PersonNotFound" }

/** The platform did not take the messages. */
export class AnalyticsMessagesRefused extends TaggedError<AnalyticsMessagesRefused>()("AnalyticsMessagesRefused", {
  /** For an operator. Names no person. */
  error: Schema.String,
  /** Of HTTP, when it answered. */
  status: Schema.NullOr(Schema.Int),
  /** When it asks to be left alone: the value of the header. */
  retryAfter: Schema.NullOr(Schema.String),
  /** Why, where the status does not say it. */
  reason: Schema.optionalKey(AnalyticsWriteFailure)
}) {
  /** Why, in a word: the `reason`, else what the status says; without either it was `unreachable`. */
  get failure(): AnalyticsWriteFailure {
    return this.reason ?? (this.status === null ? "unreachable" : failureOfStatus(this.status))
  }
}

/** The way back, with effects. */
export interface AnalyticsProviderLoop {
  readonly sourceId: string
  /** Null when it could not be said. */
  readonly connectInfo: Effect.Effect<LoopConnection | null>
  readonly provision: (order: LoopOrder) => Effect.Effect<LoopWebhook, LoopUnready | LoopNotProvisioned>
}

export class AnalyticsProvider extends Context.Service<
  AnalyticsProvider,
  {
    readonly meta: AnalyticsMeta
    readonly capabilities: AnalyticsCapabilities & { readonly deletePerson?: boolean }
    readonly project: string
    readonly readPerson: (distinctId: string) => Effect.Effect<PersonRead, PersonReadUnavailable>
    /** Best effort; never fails, and asks nobody to wait. */
    readonly capture: (event: AnalyticsEvent) => Effect.Effect<void>
    /** All of them, or none; of one that it took before nothing comes twice, as far as the platform can tell. */
    readonly deliver: (
      messages: ReadonlyArray<AnalyticsMessage>,
      origin?: MessageOrigin
    ) => Effect.Effect<void, AnalyticsMessagesRefused>
    /** How the last write failed; null after one that worked. A live getter. */
    readonly lastWriteError?: AnalyticsWriteError | null
    readonly loop?: AnalyticsProviderLoop | undefined
  }
>()("core/AnalyticsProvider") {}
