/** Events in: what happened, and to whom. */
import type * as Core from "@hogsend/core"
import type { Answer } from "./Answer.ts"
import type { RequestOptions } from "./Hogsend.ts"
import type { Transport } from "./Hogsend/makeTransport.ts"
import type { Page, PageQuery } from "./Page.ts"
import type { PersonKeys, WritingOptions } from "./PersonKeys.ts"
import type { Properties } from "./Properties.ts"

/** Something that happened to somebody. */
export type EventDraft = PersonKeys &
  WritingOptions & {
    /** What happened, such as `order.placed`: 1 to 200 characters. */
    readonly name: string
    /** Kept with the event. */
    readonly eventProperties?: Properties | undefined
    /** Written to the contact: merged into what is there, name by name; `null` removes one. */
    readonly contactProperties?: Properties | undefined
    /** Money in `currency`; negative for a refund. */
    readonly value?: number | undefined
    /** ISO 4217: `EUR`. */
    readonly currency?: string | undefined
    /** What the event belongs to, by type: `{ company: "acme" }`. */
    readonly groups?: { readonly [type: string]: string } | undefined
    /** When it happened: up to 30 days back and 1 hour ahead, ISO-8601 with a zone if it is a text. Default: when it arrives. */
    readonly timestamp?: Date | string | undefined
    /** 1 to 255 characters that name the event: sent again under the same key, it is stored once. Default: a random one. */
    readonly idempotencyKey?: string | undefined
  }

/** What became of an event. */
export interface EventAccepted extends Answer<typeof Core.EventAccepted> {}

/** What became of one event of a batch; of a `rejected` one `error` says why. */
export interface EventBatchResult extends Answer<typeof Core.EventBatchResult> {}

/** An event as it is kept. Times are ISO-8601 texts. */
export interface Event extends Answer<typeof Core.Event> {}

/** A name of events that are stored, and when the last one arrived. */
export interface EventName {
  readonly name: string
  readonly lastSeenAt: string
}

/** A page of events. */
export interface EventPage extends Page {
  readonly events: ReadonlyArray<Event>
}

/** Which events to list. */
export interface EventQuery extends PageQuery {
  /** Only events of this name, exactly. */
  readonly name?: string | undefined
  /** Only events of this contact, by its id, under any key that it ever had. */
  readonly contactId?: string | undefined
}

/** The options of one `sendBatch`. */
export interface BatchOptions extends RequestOptions {
  /**
   * 1 to 255 characters that name the batch: the same events, in the same order and under the same key, are stored once. Default: a
   * random one.
   */
  readonly idempotencyKey?: string | undefined
}

/** `hogsend.events`. */
export interface Events {
  /**
   * Stores an event, makes the contact when there is none, and joins contacts that turn out to be one person. It is always under
   * an idempotency key, so a retry stores nothing twice: `stored` is false then.
   *
   * @example
   * await hogsend.events.send({ name: "order.placed", userId: "u_1", value: 49.9, currency: "EUR" })
   */
  readonly send: (event: EventDraft, options?: RequestOptions) => Promise<EventAccepted>
  /** The same as `send`. */
  readonly track: (event: EventDraft, options?: RequestOptions) => Promise<EventAccepted>
  /**
   * Stores many events in their order, and answers one result for each, in the same order. An event that is refused is the result
   * `rejected` and touches no other. They go in requests of 500, one after the other; each may have 4 MiB.
   *
   * Rejected when a request fails for good; what went before it is stored then. Under an `idempotencyKey` of your own the same call
   * can be made again: what was stored is the result `duplicate`.
   *
   * @example
   * const results = await hogsend.events.sendBatch(events, { idempotencyKey: "import-2026-11-22" })
   * const rejected = results.filter(({ status }) => status === "rejected")
   */
  readonly sendBatch: (
    events: ReadonlyArray<EventDraft>,
    options?: BatchOptions
  ) => Promise<ReadonlyArray<EventBatchResult>>
  /** Newest first. Needs the scope `read`. */
  readonly list: (query?: EventQuery, options?: RequestOptions) => Promise<EventPage>
  /** Every name that is stored, in alphabetical order. Needs the scope `read`. */
  readonly names: (options?: RequestOptions) => Promise<ReadonlyArray<EventName>>
}

/** How many the server takes in one request. */
const maxBatchEvents = 500

export const makeEvents = (send: Transport): Events => {
  const sendEvent: Events["send"] = async ({ idempotencyKey = crypto.randomUUID(), ...event }, options) =>
    send<EventAccepted>(
      {
        method: "POST",
        path: "/v1/events",
        body: { ...event, idempotencyKey },
        repeatable: true,
        fields: ["stored", "contactKey"]
      },
      options
    )

  return {
    send: sendEvent,
    track: sendEvent,
    sendBatch: async (events, { idempotencyKey = crypto.randomUUID(), ...options } = {}) => {
      const results: Array<EventBatchResult> = []
      for (let at = 0; at < events.length; at += maxBatchEvents) {
        const body = {
          events: events.slice(at, at + maxBatchEvents),
          // The server names the events of a batch by its key and their places, which begin anew in each.
          idempotencyKey: at === 0 ? idempotencyKey : `${idempotencyKey}:${at}`
        }
        const answer = await send<{ readonly results: ReadonlyArray<EventBatchResult> }>(
          { method: "POST", path: "/v1/events/batch", body, repeatable: true, fields: ["results"] },
          options
        )
        results.push(...answer.results)
      }
      return results
    },
    list: async ({ contactId, limit, name, offset } = {}, options) =>
      send<EventPage>(
        {
          method: "GET",
          path: "/v1/admin/events",
          query: { limit, offset, name, contactId },
          fields: ["events", "total"]
        },
        options
      ),
    names: async (options) => {
      const { names } = await send<{ readonly names: ReadonlyArray<EventName> }>(
        { method: "GET", path: "/v1/admin/events/names", fields: ["names"] },
        options
      )
      return names
    }
  }
}
