import { defineWebhookSource, type SourceSecret } from "@hogsend/core"
import { Schema } from "effect"

const Body = Schema.Struct({
  id: Schema.String,
  filledAt: Schema.String,
  user: Schema.NullOr(Schema.String),
  answers: Schema.Record(Schema.String, Schema.String)
})

export const forms = (secret: SourceSecret) =>
  defineWebhookSource({
    meta: { id: "forms", name: "Our forms" },
    trust: "server",
    auth: { type: "signature", scheme: "hmac-sha256-hex", header: "x-forms-signature", secret },
    schema: Body,
    transform: ({ answers, filledAt, id, user }, { logger }) => {
      if (user === null) {
        logger.debug("A form of nobody's")
        return null
      }
      return { name: "form.filled", userId: user, eventProperties: answers, timestamp: filledAt, idempotencyKey: id }
    }
  })
