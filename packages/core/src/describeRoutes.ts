/**
 * What the OpenAPI document says beyond the annotations, read off the routes, so that a new one needs no hand: which key
 * it needs, which failures it can have, and the numbers of its query.
 *
 * It also mends what the generator cannot know: a route without a body cannot fail by its body, a body that may be left
 * out is not required, and names and descriptions go where readers of OpenAPI look for them. Changes no route.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { HttpApi, type HttpApiGroup, type OpenApi } from "effect/http-api"
import { Access, Authorization } from "./Authorization.ts"
import { BodyMalformed, BodyTooLarge, ContentTypeUnsupported } from "./Envelope.ts"

/** A sentence that says which key a route needs; without an `Access` it is public. */
export const describeAccess = (access: Access | undefined): string => {
  if (access === undefined) return "Public."
  const scopes = access.scopes.map((scope) => `\`${scope}\``).join(" or ")
  return access.browser
    ? `Open to publishable keys from their allowed origins, to proxy keys, and to secret keys with the scope ${scopes}.`
    : `Needs a secret key with the scope ${scopes}.`
}

/** The transformation of the whole document, for `OpenApi.annotations({ transform })`. */
export const describeRoutes =
  <Id extends string, Groups extends HttpApiGroup.Constraint>(api: HttpApi.HttpApi<Id, Groups>) =>
  (generated: Record<string, any>): Record<string, any> => {
    const spec = tidy(generated) as OpenApi.OpenAPISpec
    spec.components.schemas = Object.fromEntries(
      Object.entries(spec.components.schemas).map(([name, schema]) => [className(name), schema])
    )
    HttpApi.reflect(api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint, errors, mergedAnnotations, middleware }) => {
        const path = endpoint.path.replaceAll(/:(\w+)/g, "{$1}")
        const operation = spec.paths[path]?.[endpoint.method.toLowerCase() as OpenApi.OpenAPISpecMethodName]
        if (operation === undefined) return
        const guarded = [...middleware].some(({ key }) => key === Authorization.key)
        const access = describeAccess(guarded ? Context.get(mergedAnnotations, Access) : undefined)
        operation.description = operation.description === undefined ? access : `${operation.description}\n\n${access}`
        const query = endpoint.query === undefined ? {} : decodedFields(endpoint.query)
        operation.parameters = operation.parameters.map((parameter) => describeParameter(parameter, query))
        if (operation.requestBody !== undefined) {
          const payload = [...endpoint.payload.values()].flatMap(({ schemas }) => schemas.map(decodedFields))
          allowNoBody(operation.requestBody)
          describeFields(operation.requestBody, Object.assign({}, ...payload))
        }
        for (const [status, schemas] of errors) {
          const possible = schemas.filter((schema) => endpoint.payload.size > 0 || !ofBodies.has(nameOf(schema)))
          const response = operation.responses[status]
          if (response === undefined) continue
          if (possible.length === 0) delete operation.responses[status]
          else describeFailures(response, possible)
        }
        for (const schema of [...errors.values()].flat()) {
          const component = spec.components.schemas[nameOf(schema)]
          const description = SchemaAST.resolveDescription(schema.ast)
          if (component !== undefined && description !== undefined) component["description"] = description
        }
      }
    })
    describeBatch(spec)
    return spec
  }

/** An item of a batch is decoded from anything at all, so that a bad one is one item's refusal; what is meant is an event. */
const describeBatch = ({ paths }: OpenApi.OpenAPISpec) => {
  const [one, many] = ["/v1/events", "/v1/events/batch"].map(
    (path) => paths[path]?.post?.requestBody?.content["application/json"]?.schema as Json | undefined
  )
  if (one !== undefined && many !== undefined) many["properties"].events.items = one
}

type Json = { [name: string]: any }

/** How a schema is called in the document, after `tidy`. */
const nameOf = (schema: Schema.Top): string => SchemaAST.resolveIdentifier(schema.ast) ?? ""

const ofBodies = new Set([BodyMalformed, BodyTooLarge, ContentTypeUnsupported].map(nameOf))

/** The generator calls the encoded form of a class after it, with a suffix. */
const className = (name: string): string => name.replace(/Encoded$/, "")

const prose = ["description", "default", "examples"]
const isProse = (schema: Json) => Object.keys(schema).every((key) => prose.includes(key))

/**
 * A copy of the document with what is a matter of taste mended: prose of a field beside its type and not in an `allOf`,
 * schemas named as their classes, and objects open, as the server ignores fields that it does not know.
 */
const tidy = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(tidy)
  if (typeof value !== "object" || value === null) return value
  const { allOf, ...rest } = Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => key !== "additionalProperties" || inner !== false)
      .map(([key, inner]) => [key, key === "$ref" && typeof inner === "string" ? className(inner) : tidy(inner)])
  ) as Json
  if (!Array.isArray(allOf)) return rest
  const members = allOf.filter((member: Json) => !isProse(member))
  return Object.assign(rest, ...allOf.filter(isProse), members.length === 0 ? {} : { allOf: members })
}

/** The fields of a struct as they are after decoding, where a transformed field keeps its prose and its true type. */
const decodedFields = (schema: Schema.Top): Json =>
  (tidy(Schema.toJsonSchemaDocument(Schema.toType(schema)).schema["properties"]) as Json | undefined) ?? {}

/** Its prose on the parameter itself; a number that a query writes as text is shown as the number that it must be. */
const describeParameter = (parameter: OpenApi.OpenAPISpecParameter, decoded: Json): OpenApi.OpenAPISpecParameter => {
  const field: Json = (parameter.in === "query" ? decoded[parameter.name] : undefined) ?? {}
  const { description = field["description"], ...text } = parameter.schema as Json
  const { description: _, ...number } = field
  return {
    ...parameter,
    schema: /^(integer|number)$/.test(field["type"]) ? number : text,
    ...(description === undefined ? {} : { description })
  }
}

/** Gives the fields of a body the prose that was lost on the way to their encoded form. */
const describeFields = (body: OpenApi.OpenAPISpecRequestBody, decoded: Json) => {
  for (const { schema } of Object.values(body.content)) {
    for (const [name, field] of Object.entries((schema["properties"] ?? {}) as Json)) {
      const description = field["description"] ?? decoded[name]?.["description"]
      if (description !== undefined) field["description"] = description
    }
  }
}

/** An alternative of null among the bodies stands for no body at all. */
const allowNoBody = (body: { content: OpenApi.OpenApiSpecContent; required: boolean }) => {
  for (const media of Object.values(body.content)) {
    const alternatives: ReadonlyArray<Json> = (media.schema["anyOf"] as ReadonlyArray<Json> | undefined) ?? []
    const [only, ...others] = alternatives.filter((alternative) => alternative["type"] !== "null")
    if (only === undefined || others.length + 1 === alternatives.length) continue
    media.schema = others.length === 0 ? only : { anyOf: [only, ...others] }
    body.required = false
  }
}

const describeFailures = (response: OpenApi.OpenApiSpecResponse, schemas: ReadonlyArray<Schema.Top>) => {
  const refs = schemas.map((schema) => ({ $ref: `#/components/schemas/${nameOf(schema)}` }))
  response.description = schemas
    .map((schema) => `\`${nameOf(schema)}\`: ${SchemaAST.resolveDescription(schema.ast) ?? "see its error."}`)
    .join("\n\n")
  response.content = {
    "application/json": { schema: refs.length === 1 && refs[0] !== undefined ? refs[0] : { anyOf: refs } }
  }
}
