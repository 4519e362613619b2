/** What a client signs and seals with: what was named, or else, in development, a secret that is kept with the data. */
import { Array, Context, Effect, Layer, type Redacted } from "effect"
import { developmentSecret } from "../developmentSecret.ts"
import { Postgres } from "../Postgres.ts"
import { ClientSettings } from "./ClientSettings.ts"

export class ClientSecrets extends Context.Service<
  ClientSecrets,
  Array.NonEmptyReadonlyArray<Redacted.Redacted<string>>
>()("node/ClientSecrets") {
  /** `postgres` is built only to learn where the data is. */
  static readonly layer = <E, R>(postgres: Layer.Layer<Postgres, E, R>) =>
    Layer.unwrap(
      Effect.map(ClientSettings, ({ secrets }) =>
        Array.isReadonlyArrayNonEmpty(secrets)
          ? Layer.succeed(ClientSecrets, secrets)
          : Layer.provide(
              Layer.effect(
                ClientSecrets,
                Effect.gen(function* () {
                  return [yield* developmentSecret((yield* Postgres).dataDirectory)] as const
                })
              ),
              postgres
            )
      )
    )
}
