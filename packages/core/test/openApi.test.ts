/** The OpenAPI document as a client author reads it: nothing without prose, no route forgotten, and no wrong parts. */
import { Context } from "effect"
import { HttpApi, OpenApi } from "effect/http-api"
import { describe, expect, it } from "vitest"
import { Api } from "../src/Api.ts"
import { Access, Authorization } from "../src/Authorization.ts"
import { describeAccess } from "../src/describeRoutes.ts"

type Json = Record<string, any>

const spec = OpenApi.fromApi(Api)
const operations = new Map<string, Json>(
  Object.values(spec.paths)
    .flatMap((item) => Object.values(item as Json))
    .map((operation) => [operation.operationId, operation])
)
const operation = (id: string): Json => operations.get(id) ?? expect.unreachable(`no operation ${id}`)

const routes: Array<{ readonly id: string; readonly takesBody: boolean; readonly access: Access | undefined }> = []
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group, mergedAnnotations, middleware }) => {
    const guarded = [...middleware].some(({ key }) => key === Authorization.key)
    routes.push({
      id: `${group.identifier}.${endpoint.identifier}`,
      takesBody: endpoint.payload.size > 0,
      access: guarded ? Context.get(mergedAnnotations, Access) : undefined
    })
  }
})

/** Every property of every schema of the document, by name. */
const properties = (value: unknown): ReadonlyArray<readonly [string, Json]> => {
  if (typeof value !== "object" || value === null) return []
  const own = Object.entries((value as Json)["type"] === "object" ? ((value as Json)["properties"] ?? {}) : {})
  return [...(own as Array<[string, Json]>), ...Object.values(value).flatMap(properties)]
}

describe("The OpenAPI document", () => {
  it("has every route", () => {
    expect([...operations.keys()].toSorted()).toEqual(routes.map(({ id }) => id).toSorted())
  })

  it.each(routes)("$id has a summary, states its key, and says what each parameter is", ({ access, id }) => {
    const { description, parameters, summary } = operation(id)
    expect(summary).toMatch(/^[A-Z][^\n]{5,60}[^.]$/)
    expect(description.endsWith(describeAccess(access))).toBe(true)
    const mute = parameters.filter((parameter: Json) => parameter["in"] !== "path" && !parameter["description"])
    expect(mute).toEqual([])
  })

  it.each([
    ["health.live", /Public\.$/],
    ["contacts.find", /Needs a secret key with the scope `ingest`\.$/],
    ["contacts.erase", /Needs a secret key with the scope `ingest` or `erase`\.$/],
    ["adminContacts.list", /Needs a secret key with the scope `read`\.$/],
    ["apiKeys.mint", /Needs a secret key with the scope `full-admin`\.$/],
    ["events.ingest", /Open to publishable keys .* proxy keys, and to secret keys with the scope `ingest`\.$/]
  ])("%s says who may call it", (id, says) => expect(operation(id)["description"]).toMatch(says))

  it("describes itself, its tags, its security scheme and its failures", () => {
    for (const word of ["RouteNotFound", "MethodNotAllowed", "X-Request-Id", "Retry-After", "256 KiB", "Idempotency"]) {
      expect(spec.info.description).toContain(word)
    }
    expect(spec.tags.map(({ name }) => name).toSorted()).toEqual(Object.keys(Api.groups).toSorted())
    for (const { description, name } of spec.tags) expect(description, name).toMatch(/\.$/)
    expect(spec.components.securitySchemes["bearer"]?.description).toMatch(/hsk_.*pk_/s)
    const failures = Object.entries<Json>(spec.components.schemas).filter(([, schema]) =>
      schema["required"]?.includes("_tag")
    )
    expect(failures.length).toBeGreaterThan(20)
    for (const [name, { description }] of failures) expect(description, name).toEqual(expect.any(String))
  })

  it("explains the fields of an event, those that are transformed too, beside their types", () => {
    const { schema } = operation("events.ingest")["requestBody"].content["application/json"]
    for (const [name, field] of Object.entries<Json>(schema.properties)) {
      expect(field["description"], name).toEqual(expect.any(String))
    }
    expect(schema.properties.timestamp).toMatchObject({ type: "string", format: "date-time" })
    expect(JSON.stringify(spec)).not.toMatch(/"allOf":\[\{"description"|Encoded/)
  })

  it("shows the events of a batch as one event alone, and how many there may be", () => {
    const one = operation("events.ingest")["requestBody"].content["application/json"].schema
    const { events } = operation("events.ingestBatch")["requestBody"].content["application/json"].schema.properties
    expect(events).toMatchObject({ type: "array", minItems: 1, maxItems: 500, items: one })
    expect(events.description).toEqual(expect.any(String))
    const { schema } = operation("events.ingestBatch")["responses"]["202"].content["application/json"]
    const { properties, required } = schema.properties.results.items
    expect(required).toEqual(["status"])
    expect(properties.status.enum).toEqual(["stored", "duplicate", "rejected"])
    for (const [name, field] of Object.entries<Json>(properties)) {
      expect(field["description"], name).toEqual(expect.any(String))
    }
    expect(Object.keys(operation("events.ingestBatch")["responses"]).toSorted()).toEqual([
      "202",
      "400",
      "401",
      "403",
      "413",
      "415",
      "429",
      "500",
      "503"
    ])
  })

  it("gives the numbers of a query their range, and instants their format", () => {
    const [limit, offset] = operation("adminEvents.list")["parameters"]
    expect(limit).toMatchObject({ name: "limit", schema: { type: "integer", minimum: 1, maximum: 100, default: 50 } })
    expect(offset).toMatchObject({ name: "offset", schema: { type: "integer", minimum: 0, default: 0 } })
    const instants = properties(spec).filter(([name]) => /[a-z]At$|^timestamp$/.test(name))
    expect(instants.length).toBeGreaterThan(15)
    for (const [name, schema] of instants) expect(JSON.stringify(schema), name).toContain('"format":"date-time"')
  })

  it("names failures by the body, and a body, only where there is one", () => {
    for (const { id, takesBody } of routes) {
      const { requestBody, responses } = operation(id)
      expect(requestBody !== undefined, id).toBe(takesBody)
      expect(
        [responses[413], responses[415]].every((response) => (response !== undefined) === takesBody),
        id
      ).toBe(true)
      expect(JSON.stringify(responses).includes("BodyMalformed"), id).toBe(takesBody)
    }
    const { requestBody } = operation("apiKeys.rotate")
    expect(requestBody.required).toBe(false)
    expect(requestBody.content["application/json"].schema.type).toBe("object")
    expect(operation("apiKeys.mint")["requestBody"].required).toBe(true)
  })
})
