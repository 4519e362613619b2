/**
 * A second Hogsend over the database of the first, with a pool, caches and a port of its own: as far as keys go, another
 * process.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Hogsend, type HogsendOptions, Migrations } from "@hogsend/engine"
import { RecordingTransport, tokenSecret } from "@hogsend/testing"
import { Context, Effect, Layer, Redacted, Scope } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { rawRequest, type RawRequest } from "../rawRequest.ts"

export interface AnotherServer {
  readonly request: (key: string, request: RawRequest) => ReturnType<typeof rawRequest>
  /** Waits until it has read the key epoch, from now on. */
  readonly epochRead: Effect.Effect<void>
  /** Kills every database connection that it has now, and answers how many those were. */
  readonly cutOff: Effect.Effect<number>
}

/** Serves until the scope closes. */
export const anotherServer = Effect.fnUntraced(function* (
  applicationName: string,
  keyGate: NonNullable<HogsendOptions["keyGate"]> = {}
) {
  const sql = yield* PgClient.PgClient
  const url = sql.config.url ?? Redacted.make("")
  const server = HttpRouter.serve(Hogsend.routes({}), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
    Layer.provide(
      Hogsend.layer({
        keyGate,
        rateLimits: { publishable: "off", keyless: "off" },
        userTokens: { secrets: [Redacted.make(tokenSecret)] }
      })
    ),
    Layer.provide([Migrations.layer(), RecordingTransport.layer]),
    Layer.provide(PgClient.layer({ url, applicationName, maxConnections: 5 }))
  )
  // A memo map of its own: a shared one would hand out the first server's services.
  const context = yield* Layer.buildWithMemoMap(server, Layer.makeMemoMapUnsafe(), yield* Scope.Scope)
  const { address } = Context.get(context, HttpServer.HttpServer)
  const base = `http://127.0.0.1:${"port" in address ? address.port : 0}`
  return {
    request: (key, request) =>
      rawRequest(base, { ...request, headers: { authorization: `Bearer ${key}`, ...request.headers } }),
    epochRead: Effect.gen(function* () {
      const [now] = yield* sql<{ now: string }>`select clock_timestamp()::text as now`
      yield* Effect.repeat(
        sql`
          select from pg_stat_activity
          where application_name = ${applicationName} and datname = current_database() and state = 'idle'
            and query = 'select epoch::text as epoch from hogsend.key_epoch'
            and query_start > ${now?.now ?? ""}::text::timestamptz`,
        { until: (rows) => rows.length > 0 }
      )
    }).pipe(Effect.orDie),
    cutOff: Effect.map(
      Effect.orDie(sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = ${applicationName} and datname = current_database()`),
      (rows) => rows.length
    )
  } satisfies AnotherServer
}, Effect.orDie)
