/** The handlers of the calls about identity. */
import { Caller, IdentityRpcs as Calls } from "@hogsend/core"
import { Effect } from "effect"
import { IdentityResolver } from "../IdentityResolver.ts"

export const IdentityRpcs = Calls.toLayer(
  Effect.gen(function* () {
    const resolver = yield* IdentityResolver
    return Calls.of({
      "Identity.resolve": (keys) => resolver.whose(keys),
      "Identity.explain": ({ key }) => resolver.explain(key),
      "Identity.merge": (payload) => Effect.flatMap(Caller, (actor) => resolver.merge(payload, actor)),
      "Identity.split": (payload) => Effect.flatMap(Caller, (actor) => resolver.split(payload, actor))
    })
  })
)
