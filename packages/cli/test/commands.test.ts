/** The commands against a real server, each as a process of its own. */
import { expect, layer } from "@effect/vitest"
import { TestHogsend } from "@hogsend/testing"
import { Effect, Fiber } from "effect"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { cellOf, titleOf } from "../src/output.ts"
import { bin, emptyFolder, hogsend, type RunOptions } from "./hogsend.ts"

/** Runs a command on the test's server, under its key. */
const run = (args: ReadonlyArray<string>, options: RunOptions = {}) =>
  Effect.flatMap(TestHogsend, ({ secret, url }) =>
    hogsend(args, { ...options, env: { HOGSEND_API_URL: url, HOGSEND_ADMIN_KEY: secret, ...options.env } })
  )

/** The one value of a command that succeeds. */
const json = (args: ReadonlyArray<string>, options?: RunOptions) =>
  Effect.map(run([...args, "--json"], options), ({ code, stderr, stdout }) => {
    expect({ code, stderr }).toMatchObject({ code: 0 })
    return JSON.parse(stdout)
  })

const send = (name: string, user: string, ...args: ReadonlyArray<string>) =>
  json(["events", "send", name, "--user", user, ...args])

layer(TestHogsend.layer(), { excludeTestServices: true, timeout: "60 seconds" })("A command", (it) => {
  it.effect(
    "that lists says the same in its table as in JSON",
    () =>
      Effect.gen(function* () {
        yield* send("listed", "u_list", "--prop", "plan=free", "--contact-prop", "city=Łódź\u001B[31m")
        const endpoint = yield* json(["webhooks", "create", "https://example.com/h", "--event", "contact.created"])
        yield* json(["webhooks", "test", endpoint.id])
        for (const [command, field] of [
          [["keys", "list", "--revoked"], "keys"],
          [["contacts", "list"], "contacts"],
          [["events", "list"], "events"],
          [["webhooks", "list"], "endpoints"],
          [["webhooks", "deliveries", endpoint.id], "deliveries"]
        ] as const) {
          const said = yield* json(command)
          const items: ReadonlyArray<Record<string, unknown>> = said[field]
          expect(items.length).toBeGreaterThan(0)
          const { stdout } = yield* run(command)
          const [head = "", ...lines] = stdout.trimEnd().split("\n")
          expect(lines).toHaveLength(items.length)
          const titles = head.split(/ {2,}/)
          const fields = Object.keys(items[0] ?? {}).filter((name) => titles.includes(titleOf(name)))
          expect(titles.toSorted()).toEqual(fields.map(titleOf).toSorted())
          for (const [at, item] of items.entries()) {
            const cells = (lines[at] ?? "").split(/ {2,}/)
            const values = titles.map((title) => cellOf(item[fields.find((name) => titleOf(name) === title) ?? ""]))
            expect(cells.map((cell) => cell.replace(/…$/, ""))).toEqual(
              values.map((value, column) => value.slice(0, cells[column]?.endsWith("…") ? 47 : undefined))
            )
          }
          expect(stdout).not.toContain("\u001B")
        }
      }),
    { timeout: 60_000 }
  )

  it.effect(
    "makes, rotates and revokes a key, and shows it once",
    () =>
      Effect.gen(function* () {
        const created = yield* json(["keys", "create", "shop", "--scope", "read", "--scope", "ingest"])
        expect(created).toMatchObject({ name: "shop", scopes: ["read", "ingest"], key: expect.stringMatching(/^hsk_/) })
        const atOnce = ["keys", "rotate", created.id, "--grace-seconds", "0"]
        expect(yield* run([...atOnce, "--json"])).toMatchObject({ code: 2, stdout: "" })
        const rotated = yield* json([...atOnce, "--yes"])
        expect(rotated.key).not.toBe(created.key)
        const refused = yield* run(["keys", "revoke", rotated.id])
        expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--yes") })
        expect(yield* json(["keys", "revoke", rotated.id, "--yes"])).toMatchObject({ revoked: true, name: "shop" })
        expect(yield* run(["keys", "revoke", rotated.id, "--yes"])).toMatchObject({ code: 1, stdout: "" })
      }),
    { timeout: 60_000 }
  )

  it.effect("whose key is refused says where the key came from, and not the key", () =>
    Effect.gen(function* () {
      const unknown = yield* run(["keys", "list"], { env: { HOGSEND_ADMIN_KEY: "hsk_nobody-may-read-this" } })
      expect(unknown).toMatchObject({ code: 1, stdout: "" })
      expect(unknown.stderr).toContain("refused the key of HOGSEND_ADMIN_KEY")
      expect(unknown.stderr).not.toContain("nobody-may-read")
      const { key } = yield* json(["keys", "create", "sender", "--scope", "ingest"])
      const sent = yield* run(["events", "send", "x", "--user", "u_sender"], {
        env: { HOGSEND_ADMIN_KEY: "", HOGSEND_DATA_KEY: key }
      })
      expect(sent.code).toBe(0)
      const scope = yield* run(["keys", "list", "--admin-key", key])
      expect(scope.stderr).toContain("refused the key of --admin-key")
    })
  )

  it.effect(
    "sends properties as they were typed",
    () =>
      Effect.gen(function* () {
        const props = ["--props", '{"a":1,"plan":"old"}', "--prop", "plan=free=yes", "--prop", "seats:=3"]
        yield* send("typed", "u_typed", ...props, "--contact-prop", "vip:=true", "--value", "9.5", "--currency", "EUR")
        const { events } = yield* json(["events", "list", "--name", "typed"])
        expect(events[0]).toMatchObject({
          properties: { a: 1, plan: "free=yes", seats: 3 },
          value: 9.5,
          currency: "EUR"
        })
        expect((yield* json(["contacts", "get", "u_typed"])).properties).toEqual({ vip: true })
      }),
    { timeout: 60_000 }
  )

  it.effect(
    "sends a file in batches with a result a line, again without storing twice, and fails when a line was rejected",
    () =>
      Effect.gen(function* () {
        const lines = Array.from({ length: 1100 }, (_, at) => JSON.stringify({ name: "bulk", userId: `u_${at % 7}` }))
        lines[3] = "{"
        lines[600] = JSON.stringify({ name: "bulk" })
        lines[700] = ""
        const file = join(emptyFolder(), "events.ndjson")
        writeFileSync(file, lines.join("\n"))
        const command = ["events", "send", "--file", file, "--idempotency-key", "import-1"]
        const first = yield* run([...command, "--json"])
        expect(first.code).toBe(1)
        const said = JSON.parse(first.stdout)
        expect(said).toMatchObject({ stored: 1097, duplicate: 0, rejected: 2 })
        expect(said.results[3]).toMatchObject({ line: 4, status: "rejected", error: { _tag: "LineInvalid" } })
        expect(said.results[600]).toMatchObject({ line: 601, error: { _tag: "IdentityMissing" } })
        expect(said.results.at(-1)).toMatchObject({ line: 1100, status: "stored" })
        expect(first.stderr).toContain("500 sent…")

        const mended = lines.with(3, JSON.stringify({ name: "bulk", userId: "u_mended" }))
        const input = mended.toSpliced(600, 1, "").join("\n")
        const again = yield* run(["events", "send", "--idempotency-key", "import-1"], { input })
        expect(again).toMatchObject({ code: 0 })
        expect(again.stdout).toMatch(/STORED +1\nDUPLICATE +1097\nREJECTED +0\n/)
      }),
    { timeout: 90_000 }
  )

  it.effect(
    "explains, merges, splits, exports and erases people by their keys",
    () =>
      Effect.gen(function* () {
        yield* send("came", "u_ada", "--email", "ada@example.com")
        yield* send("came", "u_bob")
        const explained = yield* run(["contacts", "explain", "email:ada@example.com"])
        expect(explained.stdout).toMatch(/email:ada@example.com is a key of the contact [-\w]+, known as u_ada\./)

        const merge = ["contacts", "merge", "external:u_ada", "external:u_bob"]
        expect(yield* json([...merge, "--dry-run"])).toMatchObject({ dryRun: true, events: 1 })
        const unasked = yield* run(merge)
        expect(unasked).toMatchObject({ code: 2, stdout: "" })
        expect(unasked.stderr).toMatch(/EVENTS +1\n/)
        expect(yield* json([...merge, "--yes"])).toMatchObject({ dryRun: false, contact: { contactKey: "u_ada" } })
        const split = yield* json(["contacts", "split", "u_ada", "external:u_bob", "--yes"])
        expect(split).toMatchObject({ dryRun: false, splitOff: { contactKey: "u_bob" } })

        const output = join(emptyFolder(), "ada.json")
        expect(yield* json(["contacts", "export", "u_ada", "--output", output])).toMatchObject({ file: output })
        expect(JSON.parse(readFileSync(output, "utf8")).contact.email).toBe("ada@example.com")
        expect(statSync(output).mode & 0o077).toBe(0)
        expect(yield* run(["contacts", "export", "u_ada", "--output", output])).toMatchObject({ code: 1, stdout: "" })

        expect(yield* run(["contacts", "erase", "u_ada"])).toMatchObject({ code: 2, stdout: "" })
        expect(yield* json(["contacts", "erase", "u_ada", "--yes"])).toMatchObject({ deleted: true })
        const gone = yield* run(["contacts", "get", "u_ada"])
        expect(gone).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^hogsend: .*u_ada/) })
      }),
    { timeout: 120_000 }
  )

  it.effect(
    "makes, changes, asks and deletes an endpoint, and delivers to it again",
    () =>
      Effect.gen(function* () {
        const { id, secret } = yield* json(["webhooks", "create", "https://example.com/hooks", "--all-events"])
        expect(secret).toMatch(/^whsec_/)
        const events = ["--event", "contact.updated", "--event", "contact.deleted"]
        expect(yield* json(["webhooks", "update", id, ...events, "--description", "ours"])).toMatchObject({
          eventTypes: ["contact.updated", "contact.deleted"],
          description: "ours",
          status: "enabled"
        })
        expect(yield* json(["webhooks", "update", id, "--disabled"])).toMatchObject({ status: "disabled" })
        expect(yield* json(["webhooks", "update", id, "--no-disabled"])).toMatchObject({ status: "enabled" })
        expect(yield* run(["webhooks", "update", id])).toMatchObject({ code: 2 })
        expect((yield* json(["webhooks", "rotate-secret", id])).secret).not.toBe(secret)
        const atOnce = ["webhooks", "rotate-secret", id, "--grace-seconds", "0"]
        expect(yield* run(atOnce)).toMatchObject({ code: 2, stdout: "" })
        yield* json([...atOnce, "--yes"])

        yield* json(["webhooks", "test", id])
        const { deliveries } = yield* json(["webhooks", "deliveries", id])
        expect(deliveries).toMatchObject([{ eventType: "webhook.test", status: "pending" }])
        expect(yield* json(["webhooks", "retry", id, deliveries[0].id])).toMatchObject({ status: "pending" })
        const since = ["--since", "2026-01-01T00:00:00Z"]
        expect(yield* json(["webhooks", "replay", id, ...since, "--dry-run"])).toMatchObject({ dryRun: true })
        expect(yield* json(["webhooks", "replay", id, ...since])).toMatchObject({ dryRun: false })
        const misspelt = yield* run(["webhooks", "update", id, "--event", "contact.udpated"])
        expect(misspelt.stderr).toContain("contact.updated")
        expect(yield* json(["webhooks", "delete", id, "--yes"])).toMatchObject({ deleted: true })
        expect(yield* run(["webhooks", "get", id])).toMatchObject({ code: 1, stdout: "" })
      }),
    { timeout: 120_000 }
  )

  it.effect(
    "that cannot be undone shows on a terminal what it would do, and asks",
    () =>
      Effect.gen(function* () {
        yield* send("came", "u_asked")
        const answered = (answer: string) => shell(`'${process.execPath}' '${bin}' contacts erase u_asked`, answer)
        const no = yield* answered("n\n")
        expect(no.code).toBe(1)
        expect(no.stdout).toMatch(
          /external +u_asked[^]*erases the contact u_asked[^]*Do it\? \[y\/N\][^]*nothing was changed/
        )
        expect((yield* json(["contacts", "get", "u_asked"])).externalId).toBe("u_asked")
        expect(yield* answered("y\n")).toMatchObject({ code: 0, stdout: expect.stringMatching(/STATUS +done/) })
        expect(yield* run(["contacts", "get", "u_asked"])).toMatchObject({ code: 1 })
      }),
    { timeout: 60_000 }
  )

  it.effect(
    "that follows events says each on a line as it is stored, and ends well when it is asked to",
    () =>
      Effect.gen(function* () {
        const { secret, url } = yield* TestHogsend
        const env = { PATH: process.env["PATH"], HOGSEND_API_URL: url, HOGSEND_ADMIN_KEY: secret }
        const args = [bin, "events", "tail", "--json", "--name", "followed"]
        const tail = spawn(process.execPath, args, { cwd: emptyFolder(), env })
        const heard = once(tail.stdout, "data")
        const end = yield* Effect.forkScoped(ended(tail))
        // It may not follow yet when the first ones are stored.
        const sending = Effect.forever(send("followed", "u_followed", "--prop", "n:=1"))
        const [first] = yield* Effect.raceFirst(
          Effect.promise(() => heard),
          sending
        )
        yield* send("another", "u_followed")
        tail.kill("SIGINT")
        const { code, stdout } = yield* Fiber.join(end)
        expect(code).toBe(0)
        expect(stdout.startsWith(String(first))).toBe(true)
        for (const line of stdout.trimEnd().split("\n")) {
          expect(JSON.parse(line)).toMatchObject({ name: "followed", properties: { n: 1 } })
        }
      }),
    { timeout: 60_000 }
  )

  it.effect(
    "ends without a word when whoever reads it has enough",
    () =>
      Effect.gen(function* () {
        const { secret, url } = yield* TestHogsend
        const cwd = emptyFolder()
        const env = { PATH: process.env["PATH"], HOGSEND_API_URL: url, HOGSEND_ADMIN_KEY: secret }
        const tail = `'${process.execPath}' '${bin}' events tail --json 2>stderr`
        const piped = spawn("bash", ["-c", `${tail} | head -1; exit "\${PIPESTATUS[0]}"`], { cwd, env })
        const { code, stdout } = yield* Effect.raceFirst(ended(piped), Effect.forever(send("piped", "u_piped")))
        expect(code).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({ name: "piped" })
        expect(readFileSync(join(cwd, "stderr"), "utf8")).toBe(`Following the events of ${url}. Ctrl-C ends it.\n`)
      }),
    { timeout: 60_000 }
  )
})

/** A command line on a terminal, on which somebody types. */
const shell = (line: string, typed: string) =>
  Effect.flatMap(TestHogsend, ({ secret, url }) => {
    const env = { PATH: process.env["PATH"], TERM: "xterm", HOGSEND_API_URL: url, HOGSEND_ADMIN_KEY: secret }
    const child = spawn("script", ["-qec", line, "/dev/null"], { cwd: emptyFolder(), env })
    child.stdout.on("data", (data) => {
      if (String(data).includes("[y/N]")) child.stdin.end(typed)
    })
    return ended(child)
  })

const ended = (child: ChildProcessWithoutNullStreams) =>
  Effect.promise(async () => {
    let stdout = ""
    child.stdout.on("data", (data) => (stdout += String(data)))
    await once(child, "close")
    return { code: child.exitCode, stdout }
  })
