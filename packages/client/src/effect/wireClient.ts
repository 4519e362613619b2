/**
 * The HTTP client of every call: each request goes to the server under its key, and what answers in the server's place, such
 * as a proxy's page, is a failure already here. What the server itself refuses is JSON, and is left to whoever asked.
 *
 * Spans hold no query, since a query can name a person.
 */
import * as Effect from "effect/Effect"
import { flow } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { parseRetryAfter } from "../parseRetryAfter.ts"

export interface Server {
  readonly baseUrl: string | URL
  readonly apiKey: Redacted.Redacted
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** What is wrong with the address or the key, so that no request could be made with it. Does not tell the key. */
export const mistakeIn = ({ apiKey, baseUrl }: Server): TypeError | undefined => {
  if (!/^https?:$/.test(URL.parse(String(baseUrl))?.protocol ?? ""))
    return new TypeError("baseUrl: expected an http(s) URL")
  if (!/^[\x21-\x7e]+$/.test(Redacted.value(apiKey)))
    return new TypeError("apiKey: expected a key, without white space")
  return undefined
}

export const wireClient = (http: HttpClient.HttpClient, { apiKey, baseUrl, headers = {} }: Server) =>
  http.pipe(
    HttpClient.mapRequest(
      flow(
        HttpClientRequest.prependUrl(String(baseUrl)),
        (request) => HttpClientRequest.setHeaders(request, { ...headers, ...request.headers }),
        HttpClientRequest.bearerToken(apiKey)
      )
    ),
    HttpClient.transformResponse(
      flow(
        Effect.flatMap(unlessForeign),
        Effect.flatMap(withRetryAfter),
        Effect.provideService(UrlParams.CurrentRedactedNames, [/.*/])
      )
    )
  )

/** Every refusal of Hogsend's is JSON. A redirect is none. */
const unlessForeign = (response: HttpClientResponse.HttpClientResponse) =>
  response.status < 300 || response.status === 304 || contentTypeOf(response) === "application/json"
    ? Effect.succeed(response)
    : Effect.fail(refusal(response))

/** What a busy server, or who stands before it, says in the header, in the body, where failures have it. */
const withRetryAfter = (response: HttpClientResponse.HttpClientResponse) => {
  const { headers, request, status } = response
  const seconds = status === 503 ? parseRetryAfter(headers["retry-after"] ?? null, Date.now()) : undefined
  if (seconds === undefined) return Effect.succeed(response)
  return Effect.map(response.text, (text) =>
    Option.match(decodeObject(text), {
      onNone: () => response,
      onSome: (body) =>
        HttpClientResponse.fromWeb(
          request,
          Response.json({ ...body, retryAfter: Math.ceil(seconds) }, { status, headers: { ...headers } })
        )
    })
  )
}

const decodeObject = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

export const contentTypeOf = (response: HttpClientResponse.HttpClientResponse) =>
  response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()

/** The failure of a request that was answered, with what the answer says as its cause. */
export const refusal = (response: HttpClientResponse.HttpClientResponse, cause?: unknown) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.StatusCodeError({ request: response.request, response, cause })
  })
