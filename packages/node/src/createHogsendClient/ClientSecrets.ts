/** What a client signs and seals with: what was named, or else, in development, a secret that is kept with the data. */
import { Array, Context, Effect, Layer, type Redacted } from "effect"
import { developmentSecret } from "../developmentSecret.ts"
import { Postgres } from "../Postgres.ts"
import { ClientSettings } from "./ClientSettings.ts"

export class ClientSecrets extends Context.Service<
  ClientSecrets,
  Array.NonEmptyReadonlyArray<Redacted.Redacted<string>>
>()("node/ClientSecrets") {
  static readonly layer = Layer.effect(
    ClientSecrets,
    Effect.gen(function* () {
      const { secrets } = yield* ClientSettings
      if (Array.isReadonlyArrayNonEmpty(secrets)) return secrets
      return Array.of(yield* developmentSecret((yield* Postgres).dataDirectory))
    })
  )
}
