/**
 * The honest answers of PostHog's private side about the project, its persons and the key that asks, for a personal key that is
 * valid and has the scope. Errors have the shape of PostHog's.
 */
import type { Arrival } from "./HttpListener.ts"
import type { Person, PersonStore } from "./PersonStore.ts"
import { methodNotAllowed, notFound, type PersonalKeys, refusal, scopesOf } from "./personalKeys.ts"
import type { PostHogAnswer } from "./PostHogBehaviour.ts"

export interface PersonApi {
  readonly projectId: number
  readonly apiKey: string
  readonly personalKeys: PersonalKeys
  readonly store: PersonStore
}

const personPath = /^\/api\/(?:environments|projects)\/([^/]+)\/persons(?:\/([^/]+))?\/?$/
const projectPath = /^\/api\/projects\/([^/]+)\/?$/
const keyPath = /^\/api\/personal_api_keys\/@current\/?$/

export const apiKindOf = ({ url }: Arrival): "project" | "persons" | "personalKey" | undefined => {
  if (keyPath.test(url.pathname)) return "personalKey"
  return projectPath.test(url.pathname) ? "project" : personPath.test(url.pathname) ? "persons" : undefined
}

const wire = ({ id, uuid, distinctIds, properties, createdAt }: Person) => ({
  id,
  uuid,
  name: properties["email"] ?? distinctIds[0],
  distinct_ids: distinctIds,
  properties,
  created_at: createdAt
})

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
  if (keyPath.test(url.pathname)) {
    const scopes = scopesOf(arrival, api.personalKeys)
    return "status" in scopes ? scopes : { status: 200, body: { label: "Test key", scopes } }
  }
  const isOurs = (project: string | undefined) => project === String(api.projectId) || project === "@current"
  const [, project] = projectPath.exec(url.pathname) ?? []
  const [, environment, id] = personPath.exec(url.pathname) ?? []
  const scope = project !== undefined ? "project:read" : method === "DELETE" ? "person:write" : "person:read"
  const refused = refusal(arrival, api.personalKeys, scope)
  if (refused !== undefined) return refused
  if (isOurs(project)) {
    return { status: 200, body: { id: api.projectId, name: "Test project", api_token: api.apiKey } }
  }
  return isOurs(environment) ? answerPersons(arrival, api, id) : notFound
}
