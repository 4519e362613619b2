/** An event and whom it is about as what is stored of it: the row, the patch of its contact, what it claims and takes up. */
import type { EventDraft, IngestionWarning } from "@hogsend/core"
import type { Tracer } from "effect"
import type { Actor } from "../AuditLogs.ts"
import { newId } from "../newId.ts"
import { isEmpty, type Principal } from "../Principals.ts"
import { occurrence } from "./occurrence.ts"
import { onceOf, slotsOf, type Submission } from "./Submission.ts"

/** How it arrived. */
export interface Circumstances {
  /** By this process's clock, in milliseconds. */
  readonly receivedAt: number
  /** Of those that came together. */
  readonly batch: string | undefined
  readonly idempotencyKey: string | undefined
  /** Of what comes under the idempotency key. */
  readonly fingerprint: string
  /** Its request's, where a tracer listens. */
  readonly span: Tracer.AnySpan | undefined
}

export const toSubmission = (
  actor: Actor,
  draft: EventDraft,
  principal: Principal,
  { batch, fingerprint, idempotencyKey, receivedAt, span }: Circumstances
): Submission => {
  const { assertion, idempotencyScope: scope, source, traits } = principal
  const when = occurrence(draft.timestamp, receivedAt)
  const id = newId()
  const properties = draft.eventProperties === undefined ? "{}" : JSON.stringify(draft.eventProperties)
  const patch = { ...traits, ...draft.contactProperties }
  const claim = idempotencyKey === undefined ? undefined : { scope, key: idempotencyKey, fingerprint, eventId: id }
  return {
    draft,
    principal,
    assertion,
    asker: { actor, source },
    span,
    occurredAt: when.occurredAt,
    properties: patch,
    event: {
      id,
      name: draft.name,
      properties,
      value: draft.value ?? null,
      currency: draft.value === undefined ? null : (draft.currency?.toUpperCase() ?? null),
      groups: draft.groups ?? null,
      source,
      vouchedBy: assertion.vouchedBy,
      idempotencyKey: idempotencyKey ?? null,
      occurredAt: when.occurredAt
    },
    claim,
    warnings: [...principal.warnings, ...when.warnings, ...(draft.properties === undefined ? [] : [unknownProperties])],
    slots: slotsOf(principal),
    once: claim === undefined ? undefined : onceOf(claim),
    series: batch === undefined ? undefined : `batch:${batch}`,
    size: properties.length + (isEmpty(patch) ? 0 : JSON.stringify(patch).length) + 256
  }
}

const unknownProperties: IngestionWarning = {
  code: "unknown_field",
  hint: "An event has no field named properties, so it was left out. Send eventProperties or contactProperties."
}
