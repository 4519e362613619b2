/** What each call can fail with: its own errors and what every call can, and nothing that is a browser's. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Context, Schema, type SchemaAST } from "effect"
import { Rpc, type RpcGroup } from "effect/rpc"
import { Access } from "../src/Authorization.ts"
import { RpcAuthorization } from "../src/RpcAuthorization.ts"
import { Rpcs } from "../src/Rpcs.ts"

/** The tags of what a call can fail with, as a client's type checker sees them. */
type Failures<Tag extends string> =
  Rpc.ErrorExit<Extract<RpcGroup.Rpcs<typeof Rpcs>, { readonly _tag: Tag }>> extends infer Failure extends {
    readonly _tag: string
  }
    ? Failure["_tag"]
    : never

type Every =
  | "Unauthorized"
  | "KeyExpired"
  | "ScopeMissing"
  | "RateLimited"
  | "RequestInvalid"
  | "BodyTooLarge"
  | "DatabaseUnavailable"
  | "InternalFault"

type Same<A, B> = [A, B] extends [B, A] ? true : false
const same = <A, B>(is: Same<A, B>) => is

const every = [
  "BodyTooLarge",
  "DatabaseUnavailable",
  "InternalFault",
  "KeyExpired",
  "RateLimited",
  "RequestInvalid",
  "ScopeMissing",
  "Unauthorized"
]

/** The same, of the schemas: what the wire can carry. */
const own: Readonly<Record<Rpc.Tag<RpcGroup.Rpcs<typeof Rpcs>>, ReadonlyArray<string>>> = {
  "Events.track": ["IdempotencyKeyReused", "IdentityMissing", "Overloaded"],
  "Events.trackBatch": ["Overloaded"],
  "Events.tail": ["Overloaded"],
  "Contacts.upsert": ["IdentityMissing"],
  "Identity.resolve": ["IdentityMissing", "KeysDisagree"],
  "Identity.explain": ["ContactNotFound", "KeyAmbiguous"],
  "Identity.merge": ["ContactNotFound", "KeyAmbiguous", "MergeImpossible"],
  "Identity.split": ["ContactNotFound", "KeyAmbiguous", "SplitImpossible"],
  "Deliveries.watch": ["EndpointNotFound", "Overloaded"]
}

const tagsOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  ast._tag === "Union"
    ? ast.types.flatMap(tagsOf)
    : ast._tag === "Never"
      ? []
      : [String(ast.annotations?.["identifier"])]

describe("Each call", () => {
  it("says in its type what it can fail with", () => {
    assert(same<Failures<"Events.track">, Every | "IdempotencyKeyReused" | "IdentityMissing" | "Overloaded">(true))
    assert(same<Failures<"Events.trackBatch">, Every | "Overloaded">(true))
    assert(same<Failures<"Events.tail">, Every | "Overloaded">(true))
    assert(same<Failures<"Contacts.upsert">, Every | "IdentityMissing">(true))
    assert(same<Failures<"Identity.resolve">, Every | "IdentityMissing" | "KeysDisagree">(true))
    assert(same<Failures<"Identity.explain">, Every | "ContactNotFound" | "KeyAmbiguous">(true))
    assert(same<Failures<"Identity.merge">, Every | "ContactNotFound" | "KeyAmbiguous" | "MergeImpossible">(true))
    assert(same<Failures<"Identity.split">, Every | "ContactNotFound" | "KeyAmbiguous" | "SplitImpossible">(true))
    assert(same<Failures<"Deliveries.watch">, Every | "EndpointNotFound" | "Overloaded">(true))
    // @ts-expect-error a call cannot fail with a browser's refusal
    assert(same<Extract<Failures<"Events.track">, "OriginDenied">, "OriginDenied">(true) || true)
  })

  for (const rpc of Rpcs.requests.values()) {
    it(`${rpc._tag} carries exactly these, and says who may make it`, () => {
      const failure: Schema.Top = Rpc.exitSchema(rpc).error
      expect([...new Set(tagsOf(failure.ast))].toSorted()).toEqual([...every, ...own[rpc._tag]].toSorted())
      expect([...rpc.middlewares]).toEqual([RpcAuthorization])
      expect(Context.getOption(rpc.annotations, Access)._tag).toBe("Some")
    })
  }
})
