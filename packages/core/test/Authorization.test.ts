import { Context } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { describe, expect, it } from "vitest"
import { Access } from "../src/Authorization.ts"

const endpoint = HttpApiEndpoint.get("some", "/some")

describe("Access", () => {
  it("of an endpoint that forgets it is full-admin, and closed to browsers", () =>
    expect(Context.get(endpoint.annotations, Access)).toEqual({ browser: false, scopes: ["full-admin"] }))

  it("of an endpoint that says it is what it says", () => {
    const annotated = endpoint.annotate(Access, Access.secret("read", "erase"))
    expect(Context.get(annotated.annotations, Access)).toEqual({ browser: false, scopes: ["read", "erase"] })
  })
})
