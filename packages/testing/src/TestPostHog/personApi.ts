/**
 * The honest answers of PostHog's private side: the current project, and its persons, for a personal key that is valid and has
 * the scope. Errors have the shape of PostHog's.
 */
import type { Arrival } from "./HttpListener.ts"
import type { Person, PersonStore } from "./PersonStore.ts"
import type { PostHogAnswer } from "./PostHogBehaviour.ts"

export type PersonalScope = "project:read" | "person:read" | "person:write"

export interface PersonApi {
  readonly projectId: number
  readonly apiKey: string
  /** The valid keys, and what each may do. */
  readonly personalKeys: ReadonlyMap<string, ReadonlyArray<PersonalScope>>
  readonly store: PersonStore
}

const personPath = /^\/api\/(?:environments|projects)\/([^/]+)\/persons(?:\/([^/]+))?\/?$/
const projectPath = /^\/api\/projects\/@current\/?$/

export const apiKindOf = ({ url }: Arrival): "project" | "persons" | undefined =>
  projectPath.test(url.pathname) ? "project" : personPath.test(url.pathname) ? "persons" : undefined

const error = (status: number, type: string, code: string, detail: string): PostHogAnswer => ({
  status,
  body: { type, code, detail, attr: null }
})
const notFound = error(404, "invalid_request", "not_found", "Not found.")
const methodNotAllowed = error(405, "invalid_request", "method_not_allowed", "Method not allowed.")

const wire = ({ id, uuid, distinctIds, properties, createdAt }: Person) => ({
  id,
  uuid,
  name: properties["email"] ?? distinctIds[0],
  distinct_ids: distinctIds,
  properties,
  created_at: createdAt
})

const refusal = ({ headers }: Arrival, { personalKeys }: PersonApi, scope: PersonalScope) => {
  const key = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1]
  const unauthenticated = (code: string, detail: string) => error(401, "authentication_error", code, detail)
  if (key === undefined) return unauthenticated("not_authenticated", "Authentication credentials were not provided.")
  const scopes = personalKeys.get(key)
  if (scopes === undefined) return unauthenticated("authentication_failed", "Personal API key is invalid.")
  if (scopes.includes(scope) || (scope === "person:read" && scopes.includes("person:write"))) return undefined
  return error(403, "authentication_error", "permission_denied", `API key missing required scope '${scope}'`)
}

const answerPersons = (arrival: Arrival, { store }: PersonApi, id: string | undefined): PostHogAnswer => {
  const { method, url } = arrival
  if (id === undefined) {
    if (method !== "GET") return methodNotAllowed
    const distinctId = url.searchParams.get("distinct_id")
    const found = store.persons().filter((each) => distinctId === null || each.distinctIds.includes(distinctId))
    return { status: 200, body: { results: found.map(wire), next: null, previous: null } }
  }
  const found = store.persons().find((person) => person.uuid === id || String(person.id) === id)
  if (found === undefined) return notFound
  if (method === "GET") return { status: 200, body: wire(found) }
  if (method !== "DELETE") return methodNotAllowed
  store.remove(found, { events: url.searchParams.get("delete_events") === "true" })
  return { status: 204 }
}

export const answerApi = (arrival: Arrival, api: PersonApi): PostHogAnswer => {
  const { method, url } = arrival
  const [, project, id] = personPath.exec(url.pathname) ?? []
  const scope = project === undefined ? "project:read" : method === "DELETE" ? "person:write" : "person:read"
  const refused = refusal(arrival, api, scope)
  if (refused !== undefined) return refused
  if (project === undefined) {
    return { status: 200, body: { id: api.projectId, name: "Test project", api_token: api.apiKey } }
  }
  return project === String(api.projectId) || project === "@current" ? answerPersons(arrival, api, id) : notFound
}
