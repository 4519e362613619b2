/** What an error says where somebody prints it: a test, a host's logger, Effect's own runner. */
import * as Core from "@hogsend/core"
import * as Engine from "@hogsend/engine"
import { Schema } from "effect"
import { describe, expect, it } from "vitest"
import * as Node from "../src/index.ts"

type ErrorClass = { readonly prototype: Error }

const isErrorClass = (exported: unknown): exported is ErrorClass =>
  typeof exported === "function" && exported.prototype instanceof Error

const classes = new Map(
  [Core, Engine, Node]
    .flatMap((module) => Object.entries(module))
    .flatMap(([name, exported]): ReadonlyArray<readonly [string, ErrorClass]> =>
      isErrorClass(exported) ? [[name, exported]] : []
    )
)

/** Wherever a class of ours has its sentence. */
const fields = { error: "what is wrong", lines: ["what is wrong"], reason: "what is wrong" }

describe("The message of an error", () => {
  it("is walked for all of them", () => expect(classes.size).toBeGreaterThan(50))

  it.each([...classes])("has the sentence of %s", (_, { prototype }) => {
    const { message } = Object.assign(Object.create(prototype), fields) as Error
    expect(message).toContain("what is wrong")
  })

  it("is no part of what goes over the wire", () => {
    const failure = new Core.OriginDenied({ error: "what is wrong" })
    expect(failure.message).toBe("what is wrong")
    expect(Schema.encodeSync(Core.OriginDenied)(failure)).toEqual({ _tag: "OriginDenied", error: "what is wrong" })
    expect(JSON.parse(JSON.stringify(failure))).toEqual({ _tag: "OriginDenied", error: "what is wrong" })
  })
})
