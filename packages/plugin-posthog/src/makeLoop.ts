/**
 * The way back: the webhook in PostHog that posts events of identified persons to our source, made or brought up to date
 * through the private API, with the personal key. Ours is the one at this very address, also when somebody made it by hand, or
 * that was made for this installation, at whatever address. What PostHog answers is told by status and code, never by text.
 */
import type { AnalyticsLoopDefinition, LoopOrder, LoopWebhook, OtherLoopWebhook } from "@hogsend/core"
import { Option, Schema } from "effect"
import {
  type HogFunction,
  type HogFunctionChange,
  isOurs,
  missingOf,
  newWebhook,
  postsTo,
  urlOf
} from "./loopWebhook.ts"
import { invalidSecret, noCredential, notProvisioned, refused, unanswered, type Where } from "./loopFailures.ts"
import type { Connection } from "./PostHogOptions.ts"
import { makePrivateRequest, type PrivateAnswer } from "./privateRequest.ts"
import { scopeGap } from "./scopeGap.ts"

export interface LoopOptions extends Connection {
  /** Whether somebody named a host. */
  readonly hostExplicit: boolean
  readonly requestTimeout: number
}

/** A list is read to here, and so many of it looked at; a project with more has its webhook made by hand. */
const maxPages = 20
const maxLookedAt = 100

export const makeLoop = (options: LoopOptions): AnalyticsLoopDefinition => {
  const { apiKey, hostExplicit, personalApiKey, privateHost, projectId } = options

  const connectInfo = async () => ({
    privateHost,
    hostExplicit,
    projectIdHint: projectId ?? null,
    personalKeyConfigured: personalApiKey !== undefined,
    scopeGap: personalApiKey === undefined ? [] : await scopesMissing(personalApiKey)
  })

  const scopesMissing = async (key: string): Promise<ReadonlyArray<string>> => {
    const send = makePrivateRequest({ ...options, personalApiKey: key })
    const answer = await send("GET", "/api/personal_api_keys/@current/").catch(() => undefined)
    const scopes = Option.map(decode(PersonalKey, answer?.text ?? ""), ({ scopes }) => scopes)
    return answer?.status === 200 ? scopeGap(Option.getOrElse(scopes, () => null)) : []
  }

  const provision = async (order: LoopOrder): Promise<LoopWebhook> => {
    if (personalApiKey === undefined) throw noCredential
    // Braces are PostHog's templates, also in a header's value.
    if (!/^[\x21-\x7e]+$/.test(order.secret) || /[{}\\]/.test(order.secret)) throw invalidSecret
    const send = makePrivateRequest({ ...options, personalApiKey })

    const ask = async <A, I>(
      schema: Schema.Codec<A, I>,
      where: Where,
      ...request: Parameters<typeof send>
    ): Promise<A> => {
      const answer = await send(...request).catch((cause: unknown) => {
        throw unanswered(cause, where)
      })
      if (answer.status < 200 || answer.status > 299) throw refused(answer, where)
      return Option.getOrThrowWith(decode(schema, answer.text), () => refused(answer, where))
    }

    const project = await ask(
      Project,
      "project",
      "GET",
      `/api/projects/${projectId === undefined ? "@current" : encodeURIComponent(projectId)}/`
    )
    if (apiKey !== undefined && project.api_token !== undefined && project.api_token !== apiKey) throw otherProject
    const functions = `/api/environments/${project.id}/hog_functions/`

    const listed = async (): Promise<ReadonlyArray<typeof Listed.Type>> => {
      const found: Array<typeof Listed.Type> = []
      let path: string | undefined = `${functions}?type=destination&limit=100`
      for (let page = 0; path !== undefined; page += 1) {
        if (page === maxPages) throw tooMany
        const listing: typeof Page.Type = await ask(Page, "hogFunctions", "GET", path)
        found.push(...listing.results)
        path = pathOf(listing.next)
      }
      return found
    }

    const get = (id: string) => ask(Details, "hogFunctions", "GET", `${functions}${encodeURIComponent(id)}/`)
    const wanted = { ...order, url: order.webhookUrl }

    /** Ours, at the very address rather than at one of before, and who else posts to a source like it. A list tells no addresses. */
    const find = async () => {
      let ours: HogFunction | undefined
      const others: Array<HogFunction> = []
      const candidates = (await listed()).toSorted((one, other) => Number(isNamed(other)) - Number(isNamed(one)))
      for (const [index, { id }] of candidates.entries()) {
        if (index === maxLookedAt) throw tooMany
        const candidate = await get(id)
        if (isOurs(candidate, wanted)) {
          if (urlOf(candidate) === wanted.url) return { ours: candidate, others }
          ours ??= candidate
        } else if (postsTo(candidate, wanted)) others.push(candidate)
      }
      return { ours, others }
    }

    const dashboardUrl = ({ id }: HogFunction) => `${privateHost}/project/${project.id}/functions/${id}`
    const told = (action: LoopWebhook["action"], webhook: HogFunction): LoopWebhook => ({
      action,
      hogFunctionId: webhook.id,
      webhookUrl: urlOf(webhook) ?? wanted.url,
      dashboardUrl: dashboardUrl(webhook),
      enabled: webhook.enabled === true
    })
    const toldOther = (webhook: HogFunction): OtherLoopWebhook => ({
      hogFunctionId: webhook.id,
      webhookUrl: withoutSecrets(urlOf(webhook) ?? ""),
      dashboardUrl: dashboardUrl(webhook),
      enabled: webhook.enabled === true
    })
    const change = (method: "POST" | "PATCH", path: string, body: HogFunctionChange) =>
      ask(Details, "hogFunctions", method, path, body)

    const { others, ours } = await find()
    if (ours === undefined) {
      const made = await change("POST", functions, newWebhook(wanted))
      return { ...told("created", made), others: others.map(toldOther) }
    }
    const missing = missingOf(ours, wanted)
    if (missing === undefined) return told("unchanged", ours)
    return told("updated", await change("PATCH", `${functions}${encodeURIComponent(ours.id)}/`, missing))
  }

  return { sourceId: "posthog", connectInfo, provision }
}

const Bag = Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
const PersonalKey = Schema.Struct({ scopes: Schema.NullOr(Schema.Array(Schema.String)) })
const Project = Schema.Struct({ id: Schema.Int, api_token: Schema.optional(Schema.String) })
const Listed = Schema.Struct({ id: Schema.NonEmptyString, name: Schema.optional(Schema.NullOr(Schema.String)) })
const Page = Schema.Struct({ results: Schema.Array(Listed), next: Schema.optional(Schema.NullOr(Schema.String)) })
const Details = Schema.Struct({
  id: Schema.NonEmptyString,
  enabled: Schema.optional(Schema.Boolean),
  inputs: Bag,
  filters: Bag
})

const decode = <A, I>(schema: Schema.Codec<A, I>, text: PrivateAnswer["text"]) =>
  Schema.decodeUnknownOption(Schema.fromJsonString(schema))(text)

/** Of the next page its path alone, since the key is for the private host and for no other. */
const pathOf = (next: string | null | undefined): string | undefined => {
  const url = next ? URL.parse(next, "http://localhost") : null
  return url === null ? undefined : `${url.pathname}${url.search}`
}

/** Of somebody's address where it is. */
const withoutSecrets = (address: string): string => {
  const url = URL.parse(address)
  return url === null ? "" : `${url.origin}${url.pathname}`
}

/** Most likely ours, so it is looked at first. */
const isNamed = ({ name }: typeof Listed.Type): boolean => /hogsend/i.test(name ?? "")

const otherProject = notProvisioned(
  "project-discovery-failed",
  "The project of the personal API key is not the one of the project API key.",
  "Set POSTHOG_PROJECT_ID to the id of the project that POSTHOG_API_KEY is of."
)

const tooMany = notProvisioned(
  "api-error",
  `The project has more destinations than are looked through (${maxLookedAt}).`,
  "Put Hogsend into the name of the one that posts here, or make it by hand."
)
