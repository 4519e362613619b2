/** Rounds of many callers on two engines over one database: singles and batches, each caller one call after the other. */
import type { EventBatchResult, EventDraft } from "@hogsend/core"
import { Cause, Effect } from "effect"
import { makeRandom, type Random } from "../IdentityResolver/random.ts"
import { browser, type Engine, server } from "./engines.ts"

export interface Sent {
  readonly draft: EventDraft
  readonly result: EventBatchResult
}

export interface Calls {
  readonly engine: Engine
  readonly caller: typeof server
  /** Each call is a batch; one of a single event is sometimes sent as that. */
  readonly batches: ReadonlyArray<ReadonlyArray<EventDraft>>
}

/** What a caller of one event hears, as a batch would tell it. */
const asResult = ({ stored, ...said }: Effect.Success<ReturnType<Engine["send"]>>): EventBatchResult => ({
  status: stored ? "stored" : "duplicate",
  ...said
})

const sendOne = (engine: Engine, draft: EventDraft, caller: typeof server) =>
  engine.send(draft, caller).pipe(
    Effect.map(asResult),
    Effect.catchTag("IdentityDenied", ({ _tag, error }) =>
      Effect.succeed<EventBatchResult>({ status: "rejected", error: { _tag, error } })
    )
  )

/** All callers at once, each one call after the other. */
export const sendRound = (all: ReadonlyArray<Calls>): Effect.Effect<ReadonlyArray<Sent>> =>
  Effect.forEach(
    all,
    ({ batches, caller, engine }) =>
      Effect.forEach(batches, (drafts) => {
        const [only, ...others] = drafts
        const sending =
          only !== undefined && others.length === 0
            ? Effect.map(sendOne(engine, only, caller), (result) => [result])
            : engine.sendAll(drafts, caller)
        return Effect.map(sending, (results) => results.map((result, n) => ({ draft: drafts[n]!, result })))
      }),
    { concurrency: "unbounded" }
  ).pipe(
    Effect.map((sent) => sent.flat(2)),
    Effect.orDie
  )

/** How many keys of each kind a round has: few, so that everybody meets; many, so that groups are large. */
const sizes = [3, 8, 40, 2000]

/** Strings of a space of their own. */
const anyDraft = (random: Random, space: string, perKind: number, name: string): EventDraft => {
  const has = 1 + random(7)
  return {
    name,
    ...((has & 1) === 0 ? {} : { userId: `u${space}-${random(perKind)}` }),
    ...((has & 2) === 0 ? {} : { email: `e${space}-${random(perKind)}@x.co` }),
    ...((has & 4) === 0 ? {} : { anonymousId: `a${space}-${random(perKind)}` }),
    ...(random(2) === 0 ? {} : { contactProperties: { [name]: true } })
  }
}

/** Servers and browsers who send whatever there is, and some of it twice, by both engines. */
export const anyCalls = (engines: ReadonlyArray<Engine>, seed: number) => {
  const random = makeRandom(seed)
  const [space, perKind] = [String(seed), sizes[random(sizes.length)] ?? 8]
  const batchesOf = (who: string, draft: (name: string) => EventDraft) =>
    Array.from({ length: 1 + random(2) }, (_, c) =>
      Array.from({ length: random(2) === 0 ? 1 : 1 + random(6) }, (_, n) => draft(`${space}.${who}.${c}.${n}`))
    )
  const servers = engines.flatMap((engine, e) =>
    Array.from({ length: 2 }, (_, w): Calls => {
      const batches = batchesOf(`s${e}${w}`, (name) => anyDraft(random, space, perKind, name))
      return { engine, caller: server, batches }
    })
  )
  const browsers = engines.map((engine, e): Calls => {
    const batches = batchesOf(`b${e}`, (name) => ({
      name,
      anonymousId: `a${space}-${random(perKind)}`,
      ...(random(2) === 0 ? {} : { contactProperties: { [name]: true } })
    }))
    return { engine, caller: browser, batches }
  })
  const twice = Array.from({ length: random(6) }, (_, n) => {
    const name = `${space}.twin.${n}`
    return { ...anyDraft(random, space, perKind, name), idempotencyKey: name }
  })
  const twins = engines.map((engine, e): Calls => {
    const own = e === 0 ? twice : twice.toReversed()
    return { engine, caller: server, batches: own.length === 0 ? [] : [own] }
  })
  // Whom operators and erasures are about is there before.
  const known = Math.min(perKind, 3)
  const before = Array.from({ length: known }, (_, n): ReadonlyArray<EventDraft> => [
    { name: `${space}.u${n}`, userId: `u${space}-${n}` },
    {
      name: `${space}.a${n}`,
      anonymousId: `a${space}-${n}`,
      contactProperties: { a: n },
      ...(n === 0 ? { userId: `u${space}-0` } : {})
    }
  ]).flat()
  const anyKnown = () => {
    const n = random(known)
    return random(2) === 0 ? { userId: `u${space}-${n}` } : { anonymousId: `a${space}-${n}` }
  }
  return { before, calls: [...servers, ...browsers, ...twins], anyKnown, random }
}

/** Fails with whatever is not one of these. */
export const onlyTold =
  (...tags: ReadonlyArray<string>) =>
  <A, E extends { readonly _tag: string }>(self: Effect.Effect<A, E>): Effect.Effect<string> =>
    self.pipe(
      Effect.as("done"),
      Effect.catchCause((cause) => {
        const error = Cause.squash(cause) as E
        return tags.includes(error._tag) ? Effect.succeed(error._tag) : Effect.die(error)
      })
    )
