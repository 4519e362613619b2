import { assert, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EmbeddedPostgresFailed } from "../../src/index.ts"
import { layLinks } from "../../src/EmbeddedPostgres/layLinks.ts"

/** A package whose install script has not run. */
const installed = (list: string | undefined) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const directory = await mkdtemp(join(tmpdir(), "links-"))
      await mkdir(join(directory, "native/lib"), { recursive: true })
      await writeFile(join(directory, "native/lib/libpq.so.5.18"), "the library")
      if (list !== undefined) await writeFile(join(directory, "native/pg-symlinks.json"), list)
      return directory
    }),
    (directory) => Effect.promise(() => rm(directory, { recursive: true }))
  )

const list = JSON.stringify([{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }])

it.live("lays the links that an install script did not lay, and leaves those that are there", () =>
  Effect.gen(function* () {
    const directory = yield* installed(list)
    yield* layLinks(directory)
    yield* layLinks(directory)
    expect(yield* Effect.promise(() => readFile(join(directory, "native/lib/libpq.so.5"), "utf8"))).toBe("the library")
  })
)

it.live("asks for none where there is no list, and says so when they cannot be laid", () =>
  Effect.gen(function* () {
    yield* layLinks(yield* installed(undefined))
    const failure = yield* Effect.flip(layLinks(yield* installed(list.replaceAll('native/lib/libpq.so.5"', 'gone/x"'))))
    assert.instanceOf(failure, EmbeddedPostgresFailed)
    expect(failure.reason).toMatch(/not linked.*install scripts/)
  })
)
