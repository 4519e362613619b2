/**
 * What the senders of a crash test send: a row of requests each, made from a seed, one event or a batch of them.
 *
 * Every event has an idempotency key of its own. A patch says which of its sender's events it came with, under a property
 * of that sender, so that what a contact must say can be told from the events that it has.
 */

/** An event as it is sent. Its `idempotencyKey` is its name in every report. */
export interface Draft {
  readonly name: string
  readonly userId?: string
  readonly email?: string
  readonly anonymousId?: string
  readonly eventProperties: { readonly sender: string; readonly seq: number; readonly says: string }
  readonly contactProperties?: Readonly<Record<string, number | string>>
  readonly value?: number
  readonly currency?: string
  readonly idempotencyKey: string
}

export interface Request {
  readonly route: "/v1/events" | "/v1/events/batch"
  readonly drafts: ReadonlyArray<Draft>
}

/** Whole numbers from 0, below the argument: the same ones for the same seed (mulberry32). */
export const makeRandom = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

export type Random = ReturnType<typeof makeRandom>

export const shuffled = <A>(all: ReadonlyArray<A>, random: Random): ReadonlyArray<A> =>
  all
    .map((one) => ({ one, at: random(2 ** 30) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one)

/** What is easily lost between JSON, SQL text and arrays of it. */
const awkward = ["plain", 'a "quote", {a,b} and \\N', "null", "", "Zoë 👋", "line\nbreak\ttab", "'; --"]

/** A sender: each call makes its next request, for the round that it is told. */
export const makeSender = (seed: number, number: number) => {
  const random = makeRandom(seed * 1000 + number)
  const sender = `s${number}`
  const told = { seq: 0, people: 0 }

  /** Somebody whom this sender alone knows. A request that names two of the keys joins them. */
  const own = () => {
    if (told.people === 0 || random(3) === 0) told.people += 1
    const name = `${sender}-${told.people - random(Math.min(told.people, 5))}`
    const keys = Object.entries({ userId: `user-${name}`, email: `${name}@people.example`, anonymousId: `dev-${name}` })
    return Object.fromEntries(shuffled(keys, random).slice(0, random(3) === 0 ? 2 : 1))
  }

  /** Somebody whom everybody knows; in every round there are some whom nobody knew before. */
  const shared = (round: number) => ({ userId: `user-all-${random(round + 1)}-${random(4)}` })

  /** Somebody new whose devices everybody joins at the same time. */
  const tangled = (round: number) => {
    const name = `tangle-${round}-${random(6)}`
    const device = { anonymousId: `dev-${name}-${random(4)}` }
    return [device, { userId: `user-${name}` }, { userId: `user-${name}`, ...device }][random(3)] ?? device
  }

  const draft = (round: number): Draft => {
    const seq = ++told.seq
    const who = [own, own, own, shared, shared, tangled][random(6)] ?? own
    const keys = who(round)
    // A merge keeps the survivor's properties, so a join of one's own people says again what is the last.
    const patches = (who === own && Object.keys(keys).length > 1) || random(4) > 0
    return {
      name: `round_${round}`,
      ...keys,
      eventProperties: { sender, seq, says: awkward[random(awkward.length)] ?? "" },
      ...(patches ? { contactProperties: { [sender]: seq, last: `${sender} ${seq}` } } : {}),
      ...(random(3) === 0 ? { value: seq + 0.25, currency: "EUR" } : {}),
      idempotencyKey: `${sender}-${seq}`
    }
  }

  return (round: number): Request => {
    if (random(20) > 0) return { route: "/v1/events", drafts: [draft(round)] }
    const size = random(8) === 0 ? 500 : 1 + random(60)
    return { route: "/v1/events/batch", drafts: Array.from({ length: size }, () => draft(round)) }
  }
}

export type Sender = ReturnType<typeof makeSender>
