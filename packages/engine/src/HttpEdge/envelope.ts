/** Turns a failure outside of a route into its answer: the status of its class, and the envelope as the body. */
import {
  BodyMalformed,
  BodyTooLarge,
  ContentTypeUnsupported,
  DatabaseUnavailable,
  InternalFault,
  KeyExpired,
  MethodNotAllowed,
  OriginDenied,
  RateLimited,
  RequestInvalid,
  RouteNotFound,
  ScopeMissing,
  Unauthorized
} from "@hogsend/core"
import { Schema, SchemaAST } from "effect"
import { HttpServerResponse } from "effect/http"

const classes = [
  BodyMalformed,
  BodyTooLarge,
  ContentTypeUnsupported,
  DatabaseUnavailable,
  InternalFault,
  KeyExpired,
  MethodNotAllowed,
  OriginDenied,
  RateLimited,
  RequestInvalid,
  RouteNotFound,
  ScopeMissing,
  Unauthorized
] as const

/** A failure that is answered outside of the `HttpApi`. */
export type EdgeFailure = InstanceType<(typeof classes)[number]>

const declaredStatus = SchemaAST.resolveAt<number>("httpApiStatus")

const statuses = new Map<unknown, number>(classes.map((failure) => [failure, declaredStatus(failure.ast) ?? 500]))

const encode = Schema.encodeUnknownSync(Schema.Union(classes))

const ownHeaders = (failure: EdgeFailure): Readonly<Record<string, string>> =>
  failure._tag === "RateLimited" ? RateLimited.headers(failure) : {}

export const toEnvelope = (
  failure: EdgeFailure,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(encode(failure), {
    status: statuses.get(failure.constructor) ?? 500,
    headers: { ...headers, ...ownHeaders(failure) }
  })
