/**
 * The script with which pgbench does the SQL of one event: the peer's statements in the peer's order.
 *
 * Who an event is about is drawn by the client as in wrk's script; an idempotency key is the hash of a number.
 */
import { filledIn, statements } from "./statements.ts"
import { contactProperties, eventProperties, traffic } from "./traffic.ts"

const idempotencyKey = "md5(:random::text)"

const common = {
  idempotencyKey: "null",
  eventId: "null",
  timestamp: "null",
  keyId: ":key_id",
  contactId: ":contact_id",
  name: "'order_placed'",
  // Strings, so that they come in with each transaction as the peer's parameters do.
  properties: ":properties",
  fingerprint: ":fingerprint"
}

/** pgbench names a result's columns as Postgres does, in small letters. */
const intoVariables = (sql: string) => sql.replaceAll('"keyId"', "key_id").replaceAll('"contactId"', "contact_id")

const oneLine = (sql: string) => sql.trim().replaceAll(/\s+/g, " ")

const statement = (sql: string, expressions: Readonly<Record<string, string>>) =>
  oneLine(intoVariables(filledIn(sql, { ...common, ...expressions })).replaceAll('"eventId"', "event_id"))

const drawn = (share: number, draw: string, lines: ReadonlyArray<string>, others: ReadonlyArray<string> = []) => [
  `\\if :${draw} <= ${share * 1000}`,
  ...lines,
  ...(others.length > 0 ? ["\\else", ...others] : []),
  "\\endif"
]

const store = (patch: string) => {
  const claimed = { idempotencyKey, eventId: ":event_id", patch }
  const events = drawn(
    traffic.idempotentShare,
    "of_keys",
    [`${statement(statements.insertEvent, claimed)};`],
    [`${statement(statements.insertEvent, { patch })};`]
  )
  const claim = drawn(traffic.idempotentShare, "of_keys", [
    `${statement(statements.claimIdempotencyKey, claimed)} \\gset`
  ])
  const newUser = { userId: "('new_' || :random::text)", patch }
  const knownUser = { userId: "('user_' || :user::text)", patch }
  const update = `${statement(statements.updateContact, { patch })};`
  return drawn(
    traffic.newShare,
    "of_users",
    [
      `${statement(statements.findContact, newUser)};`,
      ...claim,
      `${statement(statements.createContact, newUser)} \\gset`,
      ...events
    ],
    [
      `${statement(statements.findContact, knownUser)} \\gset`,
      ...claim,
      ...(patch === "null" ? ["\\if :unseen", update, "\\endif"] : [update]),
      ...events
    ]
  )
}

export const pgbenchScript: string = [
  "\\set random random(1, 9000000000000000000)",
  `\\set user random(1, ${traffic.known})`,
  ...["of_users", "of_patches", "of_keys"].map((name) => `\\set ${name} random(1, 1000)`),
  "begin;",
  ...drawn(traffic.patchShare, "of_patches", store(":patch"), store("null")),
  "commit;",
  ""
].join("\n")

/** What the script takes as variables. */
export const pgbenchVariables = {
  properties: eventProperties,
  patch: contactProperties,
  fingerprint: "0".repeat(64)
}
