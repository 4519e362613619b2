/**
 * Persons of PostHog's private API: finds one and deletes one. Each request is one attempt, and fails with a reason and the
 * status; never with a text of the answer, which may name a person.
 */
import { AnalyticsMessagesRefused, type PersonReadFailure, PersonReadUnavailable } from "@hogsend/core"
import { Data, Option, Schema } from "effect"
import { onceKnown } from "./onceKnown.ts"
import type { Connection } from "./PostHogOptions.ts"
import { isLate, makePrivateRequest, type PrivateAnswer, type PrivateRequestOptions } from "./privateRequest.ts"

export interface PrivateApiOptions extends Omit<Connection, "personalApiKey">, PrivateRequestOptions {
  readonly deleteEvents: boolean
}

/** A request without an answer that is of use. */
export class PrivateApiFailure extends Data.TaggedError("PrivateApiFailure")<{
  readonly reason: PersonReadFailure
  readonly error: string
  readonly status: number | null
  readonly retryAfter: string | null
}> {
  get asRead(): PersonReadUnavailable {
    return new PersonReadUnavailable({ reason: this.reason, error: this.error })
  }
  get asWrite(): AnalyticsMessagesRefused {
    const { error, reason, retryAfter, status } = this
    const own = reason === "no-credential" ? {} : { reason }
    return new AnalyticsMessagesRefused({ error, status, retryAfter, ...own })
  }
}

const Project = Schema.Struct({
  id: Schema.Union([Schema.Int, Schema.NonEmptyString]),
  api_token: Schema.optionalKey(Schema.String)
})

const Person = Schema.Struct({
  uuid: Schema.String,
  properties: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
})
export type Person = typeof Person.Type

const Persons = Schema.Struct({ results: Schema.Array(Person) })

export const makePrivateApi = (options: PrivateApiOptions) => {
  const send = makePrivateRequest(options)
  const request = (method: "GET" | "DELETE", path: string) => send(method, path).catch(unanswered)

  const discover = async (): Promise<string> => {
    const project = read(await request("GET", "/api/projects/@current/"), Project)
    if (options.apiKey !== undefined && project.api_token !== undefined && project.api_token !== options.apiKey) {
      throw failure("bad-response", otherProject)
    }
    return String(project.id)
  }
  const { projectId } = options
  const project = projectId === undefined ? onceKnown(discover) : async () => projectId

  const persons = async () => `/api/environments/${encodeURIComponent(await project())}/persons/`

  /** Null when nobody is known by this id. */
  const findPerson = async (distinctId: string): Promise<Person | null> => {
    const answer = await request("GET", `${await persons()}?distinct_id=${encodeURIComponent(distinctId)}`)
    return read(answer, Persons).results[0] ?? null
  }

  /** Nobody being there is as good. */
  const deletePerson = async (distinctId: string): Promise<void> => {
    const person = await findPerson(distinctId)
    if (person === null) return
    const events = options.deleteEvents ? "?delete_events=true" : ""
    const answer = await request("DELETE", `${await persons()}${encodeURIComponent(person.uuid)}/${events}`)
    if (answer.status !== 404) succeeded(answer)
  }

  return { findPerson, deletePerson }
}

const failure = (reason: PersonReadFailure, error: string, answer?: PrivateAnswer) =>
  new PrivateApiFailure({ reason, error, status: answer?.status ?? null, retryAfter: answer?.retryAfter ?? null })

const unanswered = (cause: unknown): never => {
  throw isLate(cause)
    ? failure("timeout", "PostHog's private API did not answer in time.")
    : failure("unreachable", "PostHog's private API could not be reached.")
}

const succeeded = (answer: PrivateAnswer): void => {
  const { status } = answer
  if (status >= 200 && status < 300) return
  if (status === 401 || status === 403) throw failure("unauthorized", unauthorized(status), answer)
  if (status === 429) throw failure("rate-limited", "PostHog's private API asks for fewer requests (429).", answer)
  throw failure("bad-response", unexpected(status), answer)
}

const read = <A, I>(answer: PrivateAnswer, schema: Schema.Codec<A, I>): A => {
  succeeded(answer)
  return Option.getOrThrowWith(Schema.decodeUnknownOption(Schema.fromJsonString(schema))(answer.text), () =>
    failure("bad-response", notPostHog)
  )
}

const unauthorized = (status: number) =>
  `PostHog does not take the personal API key (${status}): it needs the scopes Person: Write and Project: Read, for this project.`

const unexpected = (status: number) =>
  `PostHog's private API answered ${status}${status === 404 ? "; check the project id and the private host" : ""}.`

const notPostHog = "What answers at the private host does not answer as PostHog does; check the private host."

const otherProject =
  "The personal API key's current project is not the one of the project API key; name the project's id."
