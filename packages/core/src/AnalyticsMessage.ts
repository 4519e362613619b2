/**
 * What an analytics provider must be told for certain: changes of persons and groups, as messages of the destination queue.
 *
 * They travel in the envelope of outbound events and are in no catalog: nobody subscribes to them but the endpoint that
 * stands for the provider. Id and time are the same at every attempt.
 */
import * as Schema from "effect/Schema"
import { MessageId } from "./Outbound.ts"

const properties = Schema.Record(Schema.String, Schema.Json)

const message = <Type extends string, Data extends Schema.Struct.Fields>(type: Type, data: Data) =>
  Schema.Struct({ id: MessageId, type: Schema.Literal(type), timestamp: Schema.String, data: Schema.Struct(data) })

export const PersonSet = message("person.set", {
  distinctId: Schema.String,
  set: Schema.optionalKey(properties),
  setOnce: Schema.optionalKey(properties),
  unset: Schema.optionalKey(Schema.Array(Schema.String))
})

/** `distinctId` survives; it is always the external id of the contact that holds both. */
export const PersonMerge = message("person.merge", { distinctId: Schema.String, alias: Schema.String })

/** Of a contact that was erased: every key that a person may be known by, but those that are another contact's person there. */
export const PersonDelete = message("person.delete", { distinctIds: Schema.Array(Schema.String) })

export const GroupSet = message("group.set", {
  groupType: Schema.String,
  groupKey: Schema.String,
  properties
})

export const AnalyticsMessage = Schema.Union([PersonSet, PersonMerge, PersonDelete, GroupSet])
export type AnalyticsMessage = typeof AnalyticsMessage.Type
