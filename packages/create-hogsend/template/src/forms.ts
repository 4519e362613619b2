/**
 * A webhook source: `POST /hogsend/v1/webhooks/forms`, signed with FORMS_WEBHOOK_SECRET, becomes an event. Without a secret it
 * is closed. Hogsend verifies the signature, checks the body by the schema, and stores each form once, by its id.
 */
import { defineWebhookSource } from "@hogsend/core"
import { Schema } from "effect"

const Form = Schema.Struct({
  id: Schema.String,
  user: Schema.String,
  answers: Schema.Record(Schema.String, Schema.String)
})

export const forms = (secret: string | undefined) =>
  defineWebhookSource({
    meta: { id: "forms", name: "Forms" },
    trust: "server",
    auth: { type: "signature", scheme: "hmac-sha256-hex", header: "x-forms-signature", secret },
    schema: Form,
    transform: ({ answers, id, user }) => ({
      name: "form.filled",
      userId: user,
      eventProperties: answers,
      idempotencyKey: id
    })
  })
