/** What operators ask of identity: explain, merge, split, the cuts, the ledger. Every change is audited with its actor. */
import { CutNotFound, type IdentityMerge, type IdentitySplit, type Page } from "@hogsend/core"
import { Effect } from "effect"
import type { Actor, AuditLogs } from "../../AuditLogs.ts"
import { Moved, orUnavailable } from "../../Database.ts"
import { signedBy } from "../IdentityRepo.ts"
import { describeCuts, explainKey, toLedgerEntry } from "./explainKey.ts"
import { operatorMerge, type OperatorParts } from "./operatorMerge.ts"
import { findNamed } from "./operatorNames.ts"
import { operatorSplit } from "./operatorSplit.ts"

export const makeOperator = (audit: AuditLogs["Service"], parts: OperatorParts) => {
  const { operatorRepo, repo, untilStill } = parts

  const merge = Effect.fn("IdentityResolver.merge")(
    function* ({ dryRun = false, ...names }: typeof IdentityMerge.Type, actor: Actor) {
      const outcome = yield* operatorMerge(parts, names, dryRun, actor)
      if (!dryRun) yield* audit.record({ actor, action: "identity.merge", resourceId: outcome.contact.id })
      return outcome
    },
    untilStill,
    orUnavailable
  )

  const split = Effect.fn("IdentityResolver.split")(
    function* ({ dryRun = false, ...names }: typeof IdentitySplit.Type, actor: Actor) {
      const outcome = yield* operatorSplit(parts, names, dryRun, actor)
      if (!dryRun) yield* audit.record({ actor, action: "identity.split", resourceId: outcome.contact.id })
      return outcome
    },
    untilStill,
    orUnavailable
  )

  const explain = Effect.fn("IdentityResolver.explain")(
    (name: string) => explainKey(repo, operatorRepo, name),
    orUnavailable
  )

  const cuts = Effect.fn("IdentityResolver.cuts")(function* (page: Page) {
    const { total } = yield* operatorRepo.countCuts
    return { cuts: yield* describeCuts(repo, yield* operatorRepo.listCuts(page)), total }
  }, orUnavailable)

  const liftCut = Effect.fn("IdentityResolver.liftCut")(
    function* (id: string, actor: Actor) {
      const [found] = yield* operatorRepo.findCut(id)
      if (found === undefined) return yield* noCut
      const { contactId, otherContactId } = found
      yield* repo.lockContacts([contactId, otherContactId])
      // A merge of one side, which we waited for, takes the cut along.
      const [cut] = yield* operatorRepo.findCut(id)
      if (cut?.contactId !== contactId || cut.otherContactId !== otherContactId) return yield* new Moved()
      yield* operatorRepo.deleteCut(id)
      const lifted = { action: "cut_lifted", rule: "operator", contactId, otherContactId } as const
      yield* repo.insertLedger([signedBy("operator", actor)(lifted)])
      yield* audit.record({ actor, action: "identity.liftCut", resourceId: id })
    },
    untilStill,
    orUnavailable
  )

  const ledger = Effect.fn("IdentityResolver.ledger")(function* (
    page: Page,
    { action, contact }: { readonly action?: string | undefined; readonly contact?: string | undefined }
  ) {
    const key = contact === undefined ? undefined : yield* findNamed(repo, contact)
    const contactId = key === undefined ? undefined : key.contactId
    if (contactId === null) return { entries: [], total: 0 }
    const { rows, total } = yield* operatorRepo.listLedger(page, { action, contactId })
    return { entries: rows.map(toLedgerEntry), total }
  }, orUnavailable)

  return { merge, split, explain, cuts, liftCut, ledger }
}

const noCut = new CutNotFound({ error: "No cut has this id. It may be lifted already." })
