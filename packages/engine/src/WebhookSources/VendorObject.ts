/**
 * Objects as vendors post them: whatever JSON says, of which a source takes the few fields that it knows. What a field holds
 * instead of what was expected is as good as nothing. Pure.
 */
import type { Properties } from "@hogsend/core"
import { Schema } from "effect"

export type VendorObject = Properties

const isObject = (value: unknown): value is VendorObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Any JSON object, uncopied. What is kept of it is bounded later. */
export const VendorObject = Schema.declare<VendorObject>(isObject, { expected: "a JSON object" })

export const textIn = (object: VendorObject | undefined, name: string): string | undefined => {
  const value = object?.[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

export const numberIn = (object: VendorObject | undefined, name: string): number | undefined => {
  const value = object?.[name]
  return typeof value === "number" && Number.isFinite(value) ? value : undefined
}

export const objectIn = (object: VendorObject | undefined, name: string): VendorObject | undefined => {
  const value: unknown = object?.[name]
  return isObject(value) ? value : undefined
}

export const objectsIn = (object: VendorObject | undefined, name: string): ReadonlyArray<VendorObject> => {
  const value: unknown = object?.[name]
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Those of the fields that are there and hold a text, a number or a boolean. */
export const pick = (object: VendorObject, ...names: ReadonlyArray<string>): Properties =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = object[name]
      return ["string", "number", "boolean"].includes(typeof value) ? [[name, value ?? null]] : []
    })
  )

export const without = (object: VendorObject, ...names: ReadonlyArray<string>): Properties =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))

/** Undefined where it is none: then the time of arrival counts. */
export const dateOf = (time: string | number | undefined): Date | undefined => {
  const date = new Date(time ?? Number.NaN)
  // Years beyond four digits have no ISO-8601 form that the API takes.
  return date.getTime() > 0 && date.getTime() < 253_402_300_800_000 ? date : undefined
}
