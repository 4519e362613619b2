/** The honest answers of PostHog's private side about hog functions: a list of pages, one of them, a new one, a change. */
import type { Arrival } from "./HttpListener.ts"
import type { HogFunction, HogFunctionStore, Invalid } from "./HogFunctionStore.ts"
import { apiError, methodNotAllowed, notFound, type PersonalKeys, refusal } from "./personalKeys.ts"
import { asProperties } from "./personProperties.ts"
import type { PostHogAnswer } from "./PostHogBehaviour.ts"

export interface HogFunctionApi {
  readonly projectId: number
  readonly personalKeys: PersonalKeys
  readonly hogFunctions: HogFunctionStore
  /** A PostHog that is older than hog functions. */
  readonly unsupported: boolean
  /** No page has more. */
  readonly pageLimit: number
}

const path = /^\/api\/(?:environments|projects)\/([^/]+)\/hog_functions(?:\/([^/]+))?\/?$/

export const isHogFunctions = ({ url }: Arrival): boolean => path.test(url.pathname)

const detailed = ({ template_id: id, ...told }: HogFunction) => ({ ...told, template: { id } })

/** Without the inputs, which a list does not tell. */
const listed = (hogFunction: HogFunction) => {
  const { inputs: _, ...told } = detailed(hogFunction)
  return told
}

const judged = (status: number, made: HogFunction | Invalid): PostHogAnswer =>
  "attr" in made
    ? apiError(400, "validation_error", "invalid_input", made.detail, made.attr)
    : { status, body: detailed(made) }

const list = ({ headers, url }: Arrival, { hogFunctions, pageLimit }: HogFunctionApi): PostHogAnswer => {
  const type = url.searchParams.get("type")
  const all = hogFunctions.all().filter((each) => type === null || each.type === type)
  const limit = Math.min(Number(url.searchParams.get("limit") ?? pageLimit), pageLimit)
  const offset = Number(url.searchParams.get("offset") ?? 0)
  const next = new URL(`${url.pathname}${url.search}`, `http://${headers.host}`)
  next.searchParams.set("offset", String(offset + limit))
  return {
    status: 200,
    body: {
      count: all.length,
      next: offset + limit < all.length ? next.href : null,
      previous: null,
      results: all.slice(offset, offset + limit).map(listed)
    }
  }
}

export const answerHogFunctions = (arrival: Arrival, api: HogFunctionApi, body: unknown): PostHogAnswer => {
  const { method, url } = arrival
  const [, project, id] = path.exec(url.pathname) ?? []
  const refused = refusal(arrival, api.personalKeys, method === "GET" ? "hog_function:read" : "hog_function:write")
  if (refused !== undefined) return refused
  if (api.unsupported || (project !== String(api.projectId) && project !== "@current")) return notFound
  if (id === undefined) {
    if (method === "GET") return list(arrival, api)
    return method === "POST" ? judged(201, api.hogFunctions.create(asProperties(body))) : methodNotAllowed
  }
  const found = api.hogFunctions.get(id)
  if (found === undefined) return notFound
  if (method === "GET") return { status: 200, body: detailed(found) }
  return method === "PATCH" ? judged(200, api.hogFunctions.change(id, asProperties(body)) ?? found) : methodNotAllowed
}
