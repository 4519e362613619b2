/**
 * Stripe's customers, subscriptions and invoices, as `contact.…`, `subscription.…` and `invoice.…`.
 *
 * Server: Stripe says them itself. They are about the customer's id, as an anonymous id, and about your user id where the
 * object's metadata has it, which only your server writes: so the two join. Stripe does not say that an address is verified,
 * so it is a property. Checkout sessions are left out: who opens a payment link chooses their `client_reference_id`.
 */
import { defineWebhookSource, type ServerSourceEvent, type SourceSecret } from "@hogsend/core"
import { Schema } from "effect"
import { dateOf, numberIn, objectIn, pick, textIn, VendorObject } from "./VendorObject.ts"

/** What `stripe` is told. */
export interface StripeSourceOptions {
  /** The endpoint's signing secret, `whsec_…`. */
  readonly secret: SourceSecret
  /** The name in an object's metadata under which your server keeps its user id. `userId`. */
  readonly userIdMetadata?: string
}

const Body = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  created: Schema.optionalKey(Schema.Unknown),
  data: Schema.Struct({ object: VendorObject })
})

/** The source `stripe`: customers, subscriptions and invoices. */
export const stripe = ({ secret, userIdMetadata = "userId" }: StripeSourceOptions) =>
  defineWebhookSource({
    meta: { id: "stripe", name: "Stripe", description: "Customers, subscriptions and invoices." },
    trust: "server",
    auth: { type: "signature", scheme: "stripe", secret },
    schema: Body,
    transform: ({ created, data: { object }, id, type }) => {
      const said = wordsOf(type, object)
      if (said === undefined) return null
      return {
        ...said,
        userId: textIn(objectIn(object, "metadata"), userIdMetadata),
        timestamp: dateOf(typeof created === "number" ? created * 1000 : undefined),
        idempotencyKey: id
      }
    }
  })

const wordsOf = (type: string, object: VendorObject): ServerSourceEvent | undefined => {
  // An object names its customer by the id, or holds it whole.
  const customer = textIn(object, "customer") ?? textIn(objectIn(object, "customer"), "id")
  const [, subscription] = /^customer\.subscription\.(.+)$/.exec(type) ?? []
  if (subscription !== undefined) {
    return {
      name: `subscription.${subscription}`,
      anonymousId: customer,
      eventProperties: pick(object, "id", "status", "cancel_at_period_end", "currency")
    }
  }
  const [, change] = /^customer\.(created|updated|deleted)$/.exec(type) ?? []
  if (change !== undefined) {
    return {
      name: `contact.${change}`,
      anonymousId: textIn(object, "id"),
      email: textIn(object, "email"),
      emailVerified: false,
      eventProperties: pick(object, "id")
    }
  }
  if (!type.startsWith("invoice.")) return undefined
  return {
    name: type,
    anonymousId: customer,
    eventProperties: pick(object, "id", "number", "status", "amount_due", "amount_paid", "currency", "billing_reason"),
    // Once for each invoice: `invoice.payment_succeeded` tells of the same money.
    ...(type === "invoice.paid" ? moneyOf(object) : {})
  }
}

/** docs.stripe.com/currencies: amounts are in the smallest unit, which most currencies have two digits of. */
const digits: Readonly<Record<string, number>> = Object.fromEntries([
  ...["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"].map(
    (currency) => [currency, 0] as const
  ),
  ...["bhd", "jod", "kwd", "omr", "tnd"].map((currency) => [currency, 3] as const)
])

const moneyOf = (invoice: VendorObject) => {
  const [amount, currency] = [numberIn(invoice, "amount_paid"), textIn(invoice, "currency")]
  return amount === undefined || currency === undefined || !/^[a-z]{3}$/.test(currency)
    ? {}
    : { value: amount / 10 ** (digits[currency] ?? 2), currency }
}
