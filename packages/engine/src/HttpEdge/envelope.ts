/** Turns a failure outside of a route into its answer: the status of its class, and the envelope as the body. */
import {
  BodyMalformed,
  BodyTooLarge,
  ContentTypeUnsupported,
  InternalFault,
  MethodNotAllowed,
  RouteNotFound
} from "@hogsend/core"
import { SchemaAST } from "effect"
import { HttpServerResponse } from "effect/http"

const classes = [
  BodyMalformed,
  BodyTooLarge,
  ContentTypeUnsupported,
  InternalFault,
  MethodNotAllowed,
  RouteNotFound
] as const

/** A failure that the edge itself answers. */
export type EdgeFailure = InstanceType<(typeof classes)[number]>

const declaredStatus = SchemaAST.resolveAt<number>("httpApiStatus")

const statuses = new Map<unknown, number>(classes.map((failure) => [failure, declaredStatus(failure.ast) ?? 500]))

export const toEnvelope = (
  failure: EdgeFailure,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { _tag: failure._tag, error: failure.error },
    { status: statuses.get(failure.constructor) ?? 500, headers }
  )
