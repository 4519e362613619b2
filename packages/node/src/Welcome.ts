/**
 * What a start prints for the person at the terminal: the address, the first keys, and a request that works when pasted.
 *
 * The first keys are minted on the embedded database only, and shown this once; a named database belongs to somebody, who
 * is told how to make a key there.
 */
import { ApiKeys } from "@hogsend/engine"
import { Console, Effect, Layer, type Redacted } from "effect"
import { HttpServer } from "effect/http"
import { Postgres } from "./Postgres.ts"

const curl = (address: string, key: string) =>
  [
    `curl -X POST ${address}/v1/events \\`,
    `  -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\`,
    `  -d '{"name":"signed_up","userId":"u_1","contactProperties":{"plan":"free"}}'`
  ].join("\n")

const firstKeys = (address: string, secret: string, localhost: string) => `
Your first two keys, shown this once:
  first-secret     ${secret}   for servers: everything
  first-localhost  ${localhost}    for browsers on this machine

Try it:
${curl(address, secret)}
`

const withAdminKey = "Mint one, in a terminal where ADMIN_API_KEY is what it is here:"

const withoutAdminKey = `Stop this, and start it with an admin key:
export ADMIN_API_KEY=$(openssl rand -hex 24); echo $ADMIN_API_KEY
npm start
Then mint one, in another terminal where you have set ADMIN_API_KEY to the same value:`

const noKeyYet = (address: string, hasAdminKey: boolean) => `
This database has no API key yet. ${hasAdminKey ? withAdminKey : withoutAdminKey}
curl -X POST ${address}/v1/admin/api-keys \\
  -H "Authorization: Bearer $ADMIN_API_KEY" -H 'Content-Type: application/json' \\
  -d '{"name":"server","scopes":["full-admin"]}'
`

/** How this machine reaches it: an address that stands for all of them, or for this machine, is called `localhost`. */
const addressOf = (address: HttpServer.HttpServer["Service"]["address"]) => {
  if (!("port" in address)) return "http://localhost"
  const host = String(address.address)
  const local = ["0.0.0.0", "::", "127.0.0.1", "::1"].includes(host)
  return `http://${local ? "localhost" : host.includes(":") ? `[${host}]` : host}:${address.port}`
}

const whereIs = ({ dataDirectory, embedded, standsInFor }: Postgres["Service"]) => {
  if (!embedded) return "the database of DATABASE_URL"
  const instead = standsInFor === undefined ? "" : `, since the user postgres cannot reach ${standsInFor}`
  return `the embedded database in ${dataDirectory}${instead}`
}

/** Prints the address and, on an embedded database, the first keys. */
export const Welcome = {
  layer: ({ adminApiKey }: { readonly adminApiKey: Redacted.Redacted<string> | undefined }) =>
    Layer.effectDiscard(
      Effect.gen(function* () {
        const server = yield* HttpServer.HttpServer
        const postgres = yield* Postgres
        const apiKeys = yield* ApiKeys
        const address = addressOf(server.address)
        const minted = postgres.embedded ? yield* apiKeys.mintFirst : null
        yield* Console.log(`Hogsend serves ${address} (documentation at ${address}/docs), on ${whereIs(postgres)}.`)
        if (minted !== null) {
          yield* Console.log(firstKeys(address, minted.secret.key, minted.localhost.key))
        } else if (!(yield* apiKeys.any)) {
          yield* Console.log(noKeyYet(address, adminApiKey !== undefined))
        }
      })
    )
}
