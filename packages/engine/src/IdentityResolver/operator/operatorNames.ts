/** Finds the key that an operator names, and holds on to it. */
import { ContactNotFound, KeyAmbiguous } from "@hogsend/core"
import { Effect } from "effect"
import { shorten, slotOf } from "../../IdentityKey.ts"
import type { makeIdentityRepo } from "../IdentityRepo.ts"
import { candidatesOf, meantBy, nameOf } from "./keyName.ts"
import { Moved } from "../../Database.ts"
import type { KeyState, Snapshot } from "../snapshot.ts"

type Repo = Effect.Success<typeof makeIdentityRepo>

export const findNamed = Effect.fnUntraced(function* (repo: Repo, name: string) {
  const found = yield* repo.findKeys(candidatesOf(name))
  const [key, ...others] = meantBy(name, found)
  if (key === undefined) return yield* unknownName(name, found)
  if (others.length > 0) return yield* ambiguous([key, ...others])
  return key
})

/** The key as it is under the lock; when it is gone or another has its string, the caller begins again. */
export const stillNamed = (snapshot: Snapshot, named: KeyState): Effect.Effect<KeyState, Moved> => {
  const key = snapshot.keys.get(slotOf(named.kind, named.value))
  return key?.id === named.id ? Effect.succeed(key) : Effect.fail(new Moved())
}

const unknownName = (name: string, found: ReadonlyArray<KeyState>) => {
  const [other] = found.filter(({ kind }) => kind !== "history")
  const known = other === undefined ? "" : ` It is known as ${other.kind}:${shorten(other.kind, other.value)}.`
  return new ContactNotFound({ error: `Nobody is known by this key: ${JSON.stringify(name.slice(0, 60))}.${known}` })
}

const ambiguous = (keys: ReadonlyArray<KeyState>) =>
  new KeyAmbiguous({
    error: "This value means more than one key. Send one of the candidates, with its kind.",
    candidates: keys.map(nameOf)
  })
