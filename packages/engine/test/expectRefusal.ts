/** What every refusal has in common, whatever its route: the one envelope, the request id, JSON. */

// A label tells which of many cases failed.
import { expect } from "@effect/vitest"
import type { Answer } from "@hogsend/testing"

/** Asserts the status, the tag and the form; `says` is (part of) the sentence. `label` names the case when it fails. */
export const expectRefusal = (answer: Answer, status: number, tag: string, says?: RegExp, label = "") => {
  const { body, headers } = answer
  expect({ status: answer.status, tag: body?._tag }, `${label} ${JSON.stringify(body)}`).toEqual({ status, tag })
  expect(body.error, `${label}: a sentence for a person`).toMatch(/\S \S/)
  if (says !== undefined) expect(body.error, label).toMatch(says)
  expect(headers.get("content-type"), label).toMatch(/^application\/json/)
  expect(headers.get("x-request-id"), label).toMatch(/^[\w=-]{1,255}$/)
}
