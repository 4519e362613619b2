import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isReservedEventName } from "../../src/EventIngest/eventName.ts"

const namespaces = ["email", "journey", "bucket", "contact", "deal", "funnel", "link", "endpoint"] as const

describe("isReservedEventName", () => {
  it.prop(
    "reserves every namespace before a dot or colon, in any case, whatever follows",
    [Schema.Literals(namespaces), Schema.Literals([".", ":"]), Schema.String, Schema.Array(Schema.Boolean)],
    ([namespace, separator, rest, upper]) => {
      const cased = Array.from(namespace, (letter, i) => (upper[i] === true ? letter.toUpperCase() : letter)).join("")
      assert.isTrue(isReservedEventName(cased + separator + rest))
      assert.isFalse(isReservedEventName(`x${cased}${separator}${rest}`))
      assert.isFalse(isReservedEventName(cased))
    }
  )

  it.each([
    "email_opened",
    "emails.opened",
    "inapp.item_seen",
    "banner:closed",
    "email",
    "my.email.opened",
    " email.opened",
    "lin\u212a.clicked",
    "user.email.changed",
    ""
  ])("leaves %j to everybody", (name) => {
    assert.isFalse(isReservedEventName(name))
  })
})
