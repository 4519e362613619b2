/** `hogsend keys`: the keys that callers come with. */
import type { Scope } from "@hogsend/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { confirm, yes } from "./confirm.ts"
import { details, note, printPage, printResult } from "./output.ts"
import { paging } from "./paging.ts"
import { asAdmin } from "./server.ts"
import { switchFlag } from "./switchFlag.ts"

const scopes = [
  "read",
  "ingest",
  "ingest-public",
  "erase",
  "journey-admin",
  "full-admin"
] as const satisfies Array<Scope>

const id = Argument.String("id").pipe(Argument.withDescription("The id of the key, as `keys list` shows it"))
const shownOnce = "The key is shown this once: keep it where you keep your secrets."

const list = Command.make(
  "list",
  {
    ...paging,
    revoked: switchFlag("revoked", "List revoked keys, too")
  },
  Effect.fnUntraced(function* ({ revoked, ...page }) {
    const keys = yield* asAdmin(({ apiKeys }) => apiKeys.list({ ...page, includeRevoked: revoked }))
    const ends = revoked ? (["expiresAt", "revokedAt"] as const) : (["expiresAt"] as const)
    yield* printPage(keys, "keys", ["id", "name", "keyPrefix", "scopes", "lastUsedAt", ...ends])
  })
).pipe(
  Command.withDescription("List keys, newest first"),
  Command.withExamples([{ command: "hogsend keys list" }, { command: "hogsend keys list --revoked --json" }])
)

const create = Command.make(
  "create",
  {
    name: Argument.String("name").pipe(Argument.withDescription("What it is called in lists and in the audit log")),
    scope: Flag.Literals("scope", scopes).pipe(
      Flag.withDescription("What it may do; several times for more, default read"),
      Flag.atLeast(0)
    ),
    publishable: switchFlag("publishable", "A key for browsers, which works from its origins alone"),
    origin: Flag.String("origin").pipe(
      Flag.withDescription("A web origin of a publishable key: https://app.example.com; several times for more"),
      Flag.atLeast(0)
    ),
    expires: Flag.Date("expires").pipe(Flag.withDescription("When it ends, as ISO-8601; default never"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ expires, name, origin, publishable, scope }) {
    const created = yield* asAdmin(({ apiKeys }) =>
      apiKeys.create({
        name,
        scopes: scope.length === 0 ? undefined : scope,
        publishable: publishable || undefined,
        allowedOrigins: origin.length === 0 ? undefined : origin,
        expiresAt: Option.getOrUndefined(expires)
      })
    )
    yield* printResult(created, details)
    yield* note(shownOnce)
  })
).pipe(
  Command.withDescription("Make a key"),
  Command.withExamples([
    { command: "hogsend keys create shop --scope ingest --scope read", description: "For a server that sends events" },
    {
      command: "hogsend keys create site --publishable --origin https://app.example.com",
      description: "For a page's source"
    }
  ])
)

const rotate = Command.make(
  "rotate",
  {
    id,
    grace: Flag.Int("grace-seconds").pipe(
      Flag.withDescription("How long the old key works, too; 0 ends it now, default a day"),
      Flag.optional
    ),
    yes
  },
  Effect.fnUntraced(function* ({ grace, id, yes }) {
    const graceSeconds = Option.getOrUndefined(grace)
    if (graceSeconds === 0) {
      const { name } = yield* asAdmin(({ apiKeys }) => apiKeys.get(id))
      yield* confirm(`This ends the key ${name} for good: whoever uses it is refused within a second.`, yes)
    }
    const rotated = yield* asAdmin(({ apiKeys }) => apiKeys.rotate(id, { graceSeconds }))
    yield* printResult(rotated, details)
    yield* note(shownOnce)
  })
).pipe(
  Command.withDescription("Make a new key with the rights of an old one, which works on for a while"),
  Command.withExamples([{ command: "hogsend keys rotate 0198d5c8-4ad5-7000-8000-000000000000 --grace-seconds 3600" }])
)

const revoke = Command.make(
  "revoke",
  { id, yes },
  Effect.fnUntraced(function* ({ id, yes }) {
    const { name } = yield* asAdmin(({ apiKeys }) => apiKeys.get(id))
    yield* confirm(`This ends the key ${name} for good: whoever uses it is refused within a second.`, yes)
    const revoked = yield* asAdmin(({ apiKeys }) => apiKeys.revoke(id))
    yield* printResult({ ...revoked, id, name }, details)
  })
).pipe(
  Command.withDescription("End a key for good"),
  Command.withExamples([{ command: "hogsend keys revoke 0198d5c8-4ad5-7000-8000-000000000000 --yes" }])
)

export const keys = Command.make("keys").pipe(
  Command.withDescription("The keys that callers come with: list, make, rotate and revoke them"),
  Command.withShortDescription("List, make, rotate and revoke keys"),
  Command.withSubcommands([list, create, rotate, revoke])
)
