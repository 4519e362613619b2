/** The keys that name a person. */

interface Keys {
  /** Your own id of the user: the strongest key. At most 200 characters. */
  readonly userId?: string | undefined
  /** The person's address; capitals and white space around it do not matter. */
  readonly email?: string | undefined
  /** The id of a visitor's device, as your site got it. At most 200 characters, never an email. */
  readonly anonymousId?: string | undefined
}

/** Whom a request is about: one key at least. Keys that are sent together are of one person from then on. */
export type PersonKeys = Keys &
  ({ readonly userId: string } | { readonly email: string } | { readonly anonymousId: string })

/** What a request that writes says beside the keys. */
export interface WritingOptions {
  /** False: nobody has shown that the address is this person's, so it is kept as a property and is no key. Default: true. */
  readonly emailVerified?: boolean | undefined
  /** True: somebody who was erased begins again, as a new and empty contact. Default: false, and nothing is kept of them. */
  readonly restore?: boolean | undefined
}
