/** Tombstones: what they remember of a key, and that they outlive the secret that their data key is sealed under. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { TestDatabase } from "@hogsend/testing"
import { Effect, Exit, Layer, Redacted } from "effect"
import { Sealing } from "../../src/Sealing.ts"
import { DataKeyUnreadable, Tombstones } from "../../src/Tombstones.ts"

const secretOf = (name: string) => Redacted.make(`${name} ${"secret of tests ".repeat(3)}`)

/** The service of a process that starts with these secrets. */
const startedWith = (current: string, ...previous: ReadonlyArray<string>) =>
  Effect.provide(
    Tombstones,
    Layer.provide(
      Layer.fresh(Tombstones.layer),
      Sealing.layer({ secrets: [secretOf(current), ...previous.map(secretOf)] })
    )
  )

const user = { kind: "external", value: "u_1" } as const
const email = { kind: "email", value: "u_1" } as const
const anonymous = { kind: "anonymous", value: "a_1" } as const

const microsNow = Effect.flatMap(PgClient.PgClient, (sql) =>
  Effect.map(
    sql<{ now: number }>`select (extract(epoch from hogsend.now()) * 1000000)::float8 as now`,
    ([row]) => row?.now ?? 0
  )
)

const rows = Effect.flatMap(PgClient.PgClient, (sql) => sql`select encode(mac, 'hex') as mac from hogsend.tombstones`)
const sealedKey = Effect.flatMap(PgClient.PgClient, (sql) =>
  Effect.map(sql<{ sealed: string }>`select sealed from hogsend.data_keys`, (keys) => keys.map(({ sealed }) => sealed))
)

describe("Tombstones", () => {
  layer(TestDatabase.layer, { excludeTestServices: true })("of keys", (it) => {
    it.effect("tell when a key was erased, of emails apart from all other strings, until they are lifted", () =>
      Effect.gen(function* () {
        const { bury, find, lift } = yield* startedWith("first")
        assert.deepStrictEqual(yield* find([user, email]), new Map())
        const before = yield* microsNow
        yield* bury([user, anonymous, user])
        const found = yield* find([user, email, anonymous])
        assert.sameMembers([...found.keys()], ["id:u_1", "id:a_1"])
        for (const erasedAt of found.values()) {
          assert.isAtLeast(erasedAt, before)
          assert.isAtMost(erasedAt, yield* microsNow)
        }
        // One string has one owner, whatever it was sent as.
        assert.deepStrictEqual([...(yield* find([{ kind: "anonymous", value: "u_1" }])).keys()], ["id:u_1"])
        yield* lift([anonymous, email])
        assert.deepStrictEqual([...(yield* find([user, anonymous])).keys()], ["id:u_1"])
        yield* lift([user])
        assert.deepStrictEqual(yield* find([user]), new Map())
      })
    )

    it.effect("move forward with a later burial and never back, to the microsecond", () =>
      Effect.gen(function* () {
        const { bury, find, lift } = yield* startedWith("first")
        const at = Math.round(yield* microsNow) - 3_600_000_001
        for (const [erasedAt, expected] of [
          [at, at],
          [at + 1, at + 1],
          [at - 1, at + 1]
        ] as const) {
          yield* bury([user], erasedAt)
          assert.deepStrictEqual(yield* find([user]), new Map([["id:u_1", expected]]))
        }
        yield* bury([user])
        assert.isAbove((yield* find([user])).get("id:u_1") ?? 0, at + 3_600_000_000)
        yield* lift([user])
      })
    )

    it.effect("belong to the caller's transaction, and of no keys there is no query", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const { bury, find, lift } = yield* startedWith("first")
        yield* bury([user]).pipe(Effect.andThen(Effect.fail("back")), sql.withTransaction, Effect.flip)
        assert.deepStrictEqual(yield* rows, [])
        // A statement after a failed one fails as well, so none is sent.
        const asked = yield* sql`select 1 / 0`.pipe(
          Effect.exit,
          Effect.andThen(Effect.exit(Effect.all([find([]), bury([]), lift([])]))),
          Effect.flatMap(Effect.fail),
          sql.withTransaction,
          Effect.flip
        )
        assert.isTrue(Exit.isExit(asked) && Exit.isSuccess(asked))
      })
    )
  })

  layer(TestDatabase.layer, { excludeTestServices: true })("of a database", (it) => {
    it.effect("hold no key that anybody could guess, and a data key that nobody can read", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const { bury } = yield* startedWith("first")
        yield* bury([user])
        const dump = yield* sql<{ row: string }>`
          select t::text as row from hogsend.tombstones t union all select k::text from hogsend.data_keys k`
        for (const { row } of dump) assert.notInclude(row, "u_1")
        const plain = yield* sql<{ mac: string }>`select encode(sha256('id:u_1'), 'hex') as mac`
        assert.notDeepEqual(yield* rows, plain)
        assert.match((yield* sealedKey)[0] ?? "", /^v1\./)
      })
    )

    it.effect("are found under a new secret when the old one is kept, and at last without it", () =>
      Effect.gen(function* () {
        const before = yield* sealedKey
        const found = yield* (yield* startedWith("first")).find([user])
        assert.deepStrictEqual(yield* sealedKey, before)
        assert.strictEqual(found.size, 1)
        assert.deepStrictEqual(yield* (yield* startedWith("second", "first")).find([user]), found)
        assert.notDeepEqual(yield* sealedKey, before)
        assert.deepStrictEqual(yield* (yield* startedWith("second")).find([user]), found)
      })
    )

    it.effect("let no process start whose secret is another one, and say what to do", () =>
      Effect.gen(function* () {
        const before = yield* sealedKey
        const failure = yield* Effect.flip(startedWith("third"))
        assert.instanceOf(failure, DataKeyUnreadable)
        assert.match(failure.error, /BETTER_AUTH_SECRET was changed.*BETTER_AUTH_SECRETS_PREVIOUS/)
        assert.deepStrictEqual(yield* sealedKey, before)
      })
    )

    it.effect("let no process start when their data key is damaged", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* sql`update hogsend.data_keys set sealed = left(sealed, -4) || 'AAAA'`
        const { error } = yield* Effect.flip(startedWith("second"))
        assert.match(error, /data_keys is damaged.*backup/)
        // What it says to do when all is lost does it: they can be found no more, and new ones can.
        yield* sql.unsafe(/delete from hogsend\.data_keys where purpose = 'tombstones'/.exec(error)?.[0] ?? "")
        const { bury, find } = yield* startedWith("second")
        assert.deepStrictEqual(yield* find([user]), new Map())
        yield* bury([user])
        assert.strictEqual((yield* find([user])).size, 1)
      })
    )
  })

  layer(TestDatabase.layer, { excludeTestServices: true })("of two processes", (it) => {
    it.effect("that start at once are under one data key", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        for (let round = 0; round < 5; round++) {
          yield* sql`truncate hogsend.data_keys, hogsend.tombstones`
          const all = yield* Effect.all(
            Array.from({ length: 4 }, () => startedWith("first")),
            { concurrency: "unbounded" }
          )
          for (const { bury } of all) yield* bury([user])
          assert.lengthOf(yield* sealedKey, 1)
          assert.lengthOf(yield* rows, 1)
        }
      })
    )
  })
})
