/** Assertions for tests: short ways to write one, arbitrary ones, sets without a conflict, and a union-find to judge by. */
import { Arbitrary, Schema } from "effect"
import type { Assertion } from "../../src/IdentityResolver/snapshot.ts"
import { isCertifiedShape } from "../../src/IdentityKey.ts"

export interface Named {
  readonly userId?: string | undefined
  readonly email?: string | undefined
  readonly anonymousId?: string | undefined
}

/** What a server asserts, or whoever `as` says. */
export const says = ({ anonymousId, email, userId }: Named, as: Partial<Assertion> = {}): Assertion => ({
  keys: [
    ...(userId === undefined ? [] : [{ kind: "external" as const, value: userId }]),
    ...(email === undefined ? [] : [{ kind: "email" as const, value: email }]),
    // One string is one key, as it is for every real caller.
    ...(anonymousId === undefined || anonymousId === userId ? [] : [{ kind: "anonymous" as const, value: anonymousId }])
  ],
  vouchedBy: "server",
  anonymousProven: true,
  observesOnly: false,
  restores: false,
  tokenIssuedAt: null,
  ...as
})

/** Version 8, variant 10. */
export const certifiedId = (n: number): string => `0000000${n}-0000-8000-8000-000000000000`

const ids = ["u1", "u2", "u3", "a1", "a2", "a3", certifiedId(1), certifiedId(2)] as const
const emails = ["e1@x.co", "e2@x.co", "e3@x.co"] as const
const holders = ["u1", "a1", certifiedId(1)] as const

/** The strings that `Said` can name; the ids of contacts come on top. */
export const vocabulary = { ids, emails, holders }

/** Half of all requests are a server's. */
const callers = ["server", "server", "server", "user", "public", "device"] as const

/** One request, as it is drawn: what it leaves out is undefined, what its caller may not say is dropped. */
export const Said = Schema.Struct({
  /** Which of `callers` speaks. */
  caller: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
  userId: Schema.Literals(ids),
  email: Schema.Literals(emails),
  anonymousId: Schema.Literals(ids),
  holder: Schema.Literals(holders),
  /** Whether the user id, the email, the anonymous id are named; whether the user id is a contact's own id. */
  has: Schema.Tuple([Schema.Boolean, Schema.Boolean, Schema.Boolean, Schema.Boolean]),
  proven: Schema.Boolean,
  observesOnly: Schema.Boolean
})

/**
 * The assertion that a real caller could make of it, or undefined. `contactId` answers the id of the contact that holds
 * a string, if one does: what a caller got back as a contact key and sends as a user id.
 */
export const assertionOf = (
  said: typeof Said.Type,
  contactId: (holder: string) => string | undefined
): Assertion | undefined => {
  const [hasUser, hasEmail, hasAnonymous, byContactId] = said.has
  const userId = byContactId ? (contactId(said.holder) ?? said.userId) : said.userId
  const certified = isCertifiedShape(said.anonymousId)
  switch (callers[said.caller]) {
    case "server":
      return says({
        userId: hasUser ? userId : undefined,
        email: hasEmail ? said.email : undefined,
        anonymousId: hasAnonymous || !(hasUser || hasEmail) ? said.anonymousId : undefined
      })
    case "user": {
      return says(
        { userId, anonymousId: hasAnonymous ? said.anonymousId : undefined },
        { vouchedBy: "user", anonymousProven: hasAnonymous && certified && said.proven }
      )
    }
    case "public":
      return certified
        ? undefined
        : says(
            { anonymousId: said.anonymousId },
            { vouchedBy: "public", anonymousProven: false, observesOnly: said.observesOnly }
          )
    case "device":
      return certified
        ? says({ anonymousId: said.anonymousId }, { vouchedBy: "device", observesOnly: said.observesOnly })
        : undefined
    default:
      return undefined
  }
}

/** A shuffle that a seed decides. */
export const shuffled = <A>(list: ReadonlyArray<A>, seed: number): ReadonlyArray<A> => {
  let state = seed
  const next = () => (state = (state * 48271 + 11) % 2147483647)
  return list
    .map((one) => [next(), one] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, one]) => one)
}

export const permutations = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  list.length === 0
    ? [[]]
    : list.flatMap((one, at) => permutations(list.toSpliced(at, 1)).map((rest) => [one, ...rest]))

/** The slots of an assertion's keys: emails are strings of their own kind, all others share one. */
const slots = ({ anonymousId, email, userId }: Named): ReadonlyArray<string> => [
  ...(userId === undefined ? [] : [userId]),
  ...(email === undefined ? [] : [email]),
  ...(anonymousId === undefined ? [] : [anonymousId])
]

export interface Components {
  readonly strings: ReadonlyArray<string>
  readonly connected: (a: string, b: string) => boolean
  /** The user ids among the strings that are connected with this one. */
  readonly externals: (of: string) => ReadonlyArray<string>
}

/** Union-find: strings that stand together are connected. */
export const componentsOf = (set: ReadonlyArray<Named>): Components => {
  const parent = new Map(set.flatMap(slots).map((one) => [one, one]))
  const root = (one: string): string => (parent.get(one) === one ? one : root(parent.get(one) ?? one))
  for (const named of set) {
    const [first, ...rest] = slots(named)
    for (const other of rest) parent.set(root(other), root(first ?? other))
  }
  const connected = (a: string, b: string) => root(a) === root(b)
  const users = new Set(set.flatMap(({ userId }) => userId ?? []))
  return {
    strings: [...parent.keys()],
    connected,
    externals: (of) => [...users].filter((user) => connected(user, of))
  }
}

/**
 * As the design defines it: every component has at most one external id, and at most one email, or else every one of its
 * emails stands together with that external id in some assertion.
 */
export const isConflictFree = (set: ReadonlyArray<Named>): boolean => {
  const { connected, externals, strings } = componentsOf(set)
  return strings.every((one) => {
    const users = externals(one)
    const addresses = new Set(set.flatMap(({ email }) => email ?? []).filter((email) => connected(email, one)))
    const named = set.filter(({ userId }) => userId === users[0]).map(({ email }) => email)
    return (
      users.length <= 1 &&
      (addresses.size <= 1 || (users.length === 1 && [...addresses].every((e) => named.includes(e))))
    )
  })
}

const UpTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Person = Schema.Struct({
  isUser: Schema.Boolean,
  emails: UpTo(3),
  sentences: Schema.Array(
    Schema.Struct({ user: Schema.Boolean, email: UpTo(3), anonymous: UpTo(5), userAsAnonymous: Schema.Boolean })
  ).check(Schema.isMinLength(1), Schema.isMaxLength(7))
})

/** Sets of trusted assertions that are conflict-free by the way they are made, about up to three people. */
export const ConflictFree: Arbitrary.Arbitrary<ReadonlyArray<Named>> = Arbitrary.schema(
  Schema.Array(Person).check(Schema.isMinLength(1), Schema.isMaxLength(3))
).pipe(
  Arbitrary.map((people) =>
    people.flatMap(({ emails, isUser, sentences }, p): ReadonlyArray<Named> => {
      const userId = isUser ? `u${p}` : undefined
      // Someone without a user id has one address at the most.
      const address = (n: number) => (n === 0 || emails === 0 ? undefined : `e${isUser ? n % emails : 0}@p${p}.co`)
      const said = sentences.map(({ anonymous, email, user, userAsAnonymous }): Named => ({
        userId: user ? userId : undefined,
        email: address(email),
        anonymousId:
          anonymous === 0
            ? undefined
            : anonymous === 1
              ? certifiedId(p)
              : userAsAnonymous && anonymous === 2
                ? (userId ?? `a${p}`)
                : `a${p}-${anonymous}`
      }))
      const used = new Set(said.flatMap(({ email }) => email ?? []))
      const together = used.size > 1 ? [...used].map((email) => ({ userId, email })) : []
      return [...said.filter((named) => slots(named).length > 0), ...together]
    })
  )
)
