/** Submissions as `EventIngest` makes them, and the storing of groups by itself. */
import type { EventDraft } from "@hogsend/core"
import { Context, type Effect } from "effect"
import { makeEventsRepo } from "../../src/EventIngest/EventsRepo.ts"
import { fingerprintOf } from "../../src/EventIngest/fingerprint.ts"
import { makeStoreGroup } from "../../src/EventIngest/storeGroup.ts"
import { onceOf, slotsOf, type Submission } from "../../src/EventIngest/Submission.ts"
import type { Principal } from "../../src/Principals.ts"
import { newId } from "../../src/newId.ts"
import { Warnings } from "../../src/Warnings.ts"
import { says } from "../IdentityResolver/assertions.ts"
import { type Engine, server } from "./engines.ts"

/** What a server sends. */
export const submission = (draft: EventDraft): Submission => {
  const assertion = says(draft)
  const principal: Principal = { assertion, traits: {}, warnings: [], source: "api", idempotencyScope: "server" }
  const [id, occurredAt] = [newId(), new Date()]
  const claim =
    draft.idempotencyKey === undefined
      ? undefined
      : { scope: "server", key: draft.idempotencyKey, fingerprint: fingerprintOf(draft), eventId: id }
  return {
    draft,
    principal,
    assertion,
    asker: { actor: server, source: "api" },
    occurredAt,
    properties: draft.contactProperties ?? {},
    event: {
      id,
      name: draft.name,
      properties: "{}",
      value: null,
      currency: null,
      groups: null,
      source: "api",
      vouchedBy: "server",
      idempotencyKey: draft.idempotencyKey ?? null,
      occurredAt
    },
    claim,
    warnings: [],
    slots: slotsOf(principal),
    once: claim === undefined ? undefined : onceOf(claim),
    size: 256
  }
}

export const storeGroupOf = ({ context, resolver, sql }: Engine) =>
  makeStoreGroup({ repo: makeEventsRepo(sql), resolver, warnings: Context.get(context, Warnings) })

/** What became of a group, by the names of its events. */
export const told = ({ alone, answers }: Effect.Success<ReturnType<ReturnType<typeof storeGroupOf>>>) => ({
  answered: [...answers.keys()].map(({ draft }) => draft.name),
  alone: alone.map(({ draft }) => draft.name)
})
