/** Tells the analytics provider what it has not been told of a contact that is there and locked, and marks it as told. */
import { Effect } from "effect"
import type { OutboundMessages } from "../OutboundMessages.ts"
import { markTold } from "./applySteps.ts"
import { starOf } from "./burnGuard.ts"
import type { makeIdentityRepo } from "./IdentityRepo.ts"
import type { ContactState } from "./snapshot.ts"

export const makeTellStar = ({
  listens,
  outbound,
  repo
}: {
  readonly repo: Effect.Success<typeof makeIdentityRepo>
  readonly outbound: OutboundMessages["Service"]
  /** Whether a provider listens, at this moment. */
  readonly listens: () => boolean
}) =>
  Effect.fnUntraced(function* (contact: ContactState) {
    const { marks, merges } = starOf(contact, { isNew: false, listens: listens() })
    yield* markTold(repo, [...marks])
    yield* outbound.tell(merges)
  })
