/**
 * Erases those that it is time for, the longest due first, one transaction each. Several processes may be at it: a contact
 * that another one is at is left to it. One that cannot be erased is logged, and does not keep the others.
 */
import type { DatabaseUnavailable } from "@hogsend/core"
import { Cause, Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Actor } from "../AuditLogs.ts"
import { type Moved, orUnavailable, type untilStill } from "../Database.ts"
import type { makeErasuresRepo } from "./ErasuresRepo.ts"
import type { Holder } from "./lockHolder.ts"

const batchSize = 100

/** Answers how many were erased, in the name of who asked for it. */
export const makeEraseDue = (
  repo: ReturnType<typeof makeErasuresRepo>,
  transact: ReturnType<typeof untilStill>,
  deleteNow: (holder: Holder, actor: Actor) => Effect.Effect<unknown, SqlError | Moved>
): Effect.Effect<number, DatabaseUnavailable> => {
  const eraseOne = Effect.fnUntraced(function* (contactId: string) {
    const line = yield* repo.tryLockLine(contactId)
    // It may have been erased or cancelled since it was found, and deleted once more: then it waits again.
    const [waiting] = line.length === 0 ? [] : yield* repo.lockPending(contactId)
    if (waiting === undefined || !waiting.due) return 0
    const keyIds = (yield* repo.keysOf(contactId)).map(({ id }) => id)
    yield* deleteNow({ contactId, contactIds: line.map(({ id }) => id), keyIds }, waiting)
    return 1
  })

  const eraseOrLog = (contactId: string) =>
    transact(eraseOne(contactId)).pipe(
      orUnavailable,
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logError("An erasure that is due failed", { contactId }, Cause.die(defect)), 0)
      )
    )

  return Effect.gen(function* () {
    let [erased, left, found] = [0, 0, batchSize]
    while (found === batchSize) {
      const due = yield* orUnavailable(repo.due(batchSize, left))
      const done = yield* Effect.forEach(due, ({ contactId }) => eraseOrLog(contactId))
      const count = done.reduce((sum, one) => sum + one, 0)
      erased += count
      left += due.length - count
      found = due.length
    }
    return erased
  })
}
