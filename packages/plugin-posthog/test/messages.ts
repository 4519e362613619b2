/** Messages as the queue has them, and what becomes of a promise, as a value. */
import type { AnalyticsMessage } from "@hogsend/core"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"

type Data<Type extends AnalyticsMessage["type"]> = Extract<AnalyticsMessage, { readonly type: Type }>["data"]

const stamp = () => ({ id: `msg_${randomUUID()}`, timestamp: "2026-11-20T08:30:00.123Z" })

export const set = (data: Data<"person.set">): AnalyticsMessage => ({ ...stamp(), type: "person.set", data })
export const merge = (data: Data<"person.merge">): AnalyticsMessage => ({ ...stamp(), type: "person.merge", data })
export const remove = (...distinctIds: ReadonlyArray<string>): AnalyticsMessage => ({
  ...stamp(),
  type: "person.delete",
  data: { distinctIds }
})
export const group = (data: Data<"group.set">): AnalyticsMessage => ({ ...stamp(), type: "group.set", data })

/** What it rejects with. */
export const rejection = (attempt: () => Promise<unknown>): Effect.Effect<unknown> =>
  Effect.flip(Effect.tryPromise({ try: attempt, catch: (cause) => cause })).pipe(Effect.orDie)
