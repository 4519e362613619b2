/** What a test orders of one side of its PostHog, and what has come there. Without an order it is honest. */
import { PostHogBehaviour } from "./PostHogBehaviour.ts"

export interface Orders {
  /** From now on, until another order; what was ordered for the next requests is void. */
  readonly always: (behaviour: PostHogBehaviour) => void
  /** For the next requests, after those that were ordered before; then again what is ordered for always. */
  readonly next: (behaviour: PostHogBehaviour, times?: number) => void
  /** Honest again. What hangs already goes on hanging. */
  readonly heal: () => void
}

/** The orders, and the behaviour for the request that came now. */
const make = (): Orders & { readonly take: () => PostHogBehaviour } => {
  let standing: PostHogBehaviour = PostHogBehaviour.honest
  let next: ReadonlyArray<PostHogBehaviour> = []
  const always = (behaviour: PostHogBehaviour) => {
    standing = behaviour
    next = []
  }
  return {
    always,
    next: (behaviour, times = 1) => {
      next = [...next, ...Array.from({ length: times }, () => behaviour)]
    },
    heal: () => always(PostHogBehaviour.honest),
    take: () => {
      const [first = standing, ...others] = next
      next = others
      return first
    }
  }
}

export const Orders = { make }
