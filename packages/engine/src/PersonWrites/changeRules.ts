/** Which changes of persons and groups can be told, and how they are told. Pure. */
import {
  type GroupChange,
  type PersonChange,
  PersonChangeInvalid,
  type PersonProperties,
  type Properties,
  propertiesFault
} from "@hogsend/core"
import { Result, Schema } from "effect"
import { normaliseKey } from "../IdentityKey.ts"
import type { Write } from "./storeWrites.ts"

type Checked<A> = Result.Result<A, PersonChangeInvalid>

/** Null: there is nothing to tell. */
export const personSet = ({ distinctId, set, setOnce, unset }: PersonChange): Checked<Write | null> =>
  Result.gen(function* () {
    const bags = { set: yield* bag("set", set), setOnce: yield* bag("setOnce", setOnce) }
    // Checked as the names of a bag are.
    const names = Object.keys(yield* bag("unset", Object.fromEntries((unset ?? []).map((name) => [name, null]))))
    const change = {
      ...(isEmpty(bags.set) ? {} : { set: bags.set }),
      ...(isEmpty(bags.setOnce) ? {} : { setOnce: bags.setOnce }),
      ...(names.length === 0 ? {} : { unset: names })
    }
    const data = { distinctId: yield* id("distinctId", distinctId), ...change }
    return isEmpty(change) ? null : { distinctId, event: { type: "person.set", data } }
  })

/** A group without properties is told, too: then it is there. */
export const groupSet = ({ groupKey, groupType, properties }: GroupChange): Checked<Write> =>
  Result.gen(function* () {
    const data = {
      groupType: yield* id("groupType", groupType),
      groupKey: yield* id("groupKey", groupKey),
      properties: yield* bag("properties", properties)
    }
    return { distinctId: null, event: { type: "group.set", data } }
  })

const isEmpty = (given: object): boolean => Object.keys(given).length === 0

const invalid = (error: string) => Result.fail(new PersonChangeInvalid({ error }))

/** By the rules of a key: a placeholder would be one person for many. */
const id = (field: string, value: string): Checked<string> =>
  typeof value !== "string"
    ? invalid(`${field} is no string.`)
    : Result.mapError(
        normaliseKey("external", value),
        ({ hint }) => new PersonChangeInvalid({ error: hint.replace(/^userId/, field) })
      )

const isBag = Schema.is(Schema.Record(Schema.String, Schema.Unknown))

/** By the rules of a contact's properties. What is undefined is not there, as in JSON. */
const bag = (field: string, given: PersonProperties | undefined): Checked<Properties> => {
  if (given === undefined) return Result.succeed({})
  if (!isBag(given)) return invalid(`${field} is no object of properties.`)
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Properties
  const fault = propertiesFault(present)
  return fault === undefined
    ? Result.succeed(present)
    : invalid(`${[field, ...fault.path].join(".")}: ${fault.message}`)
}
