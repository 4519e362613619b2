/**
 * Token buckets by name: each holds `limit` tokens, gets `limit` new ones evenly over `per` milliseconds, and is full when
 * its name was never seen. Knows no clock: `now` is in milliseconds, from anywhere, and never goes back.
 *
 * It forgets: names are kept in two generations, and the older one is dropped when the younger one is `per` milliseconds
 * old, by when each of its buckets is full again. It is bounded: a generation of `capacity` names is as good as an old one.
 * That gives away nothing: to push a name out takes as many others as are kept, each with a full bucket of its own.
 */
export interface RateLimit {
  readonly limit: number
  /** Milliseconds. */
  readonly per: number
}

export interface TokenBuckets {
  readonly rate: RateLimit
  /** Milliseconds until the bucket has a token; 0 when it has one. */
  readonly wait: (name: string, now: number) => number
  /** Milliseconds until the bucket is full. */
  readonly reset: (name: string, now: number) => number
  /** Takes a token, which is there when `wait` is 0. */
  readonly take: (name: string, now: number) => void
  /** How many names are remembered. */
  readonly size: () => number
}

interface Bucket {
  /** Tokens that are missing at `at`, times `per`: so that there are no fractions. */
  readonly missing: number
  readonly at: number
}

export const makeTokenBuckets = (rate: RateLimit, capacity: number): TokenBuckets => {
  const { limit, per } = rate
  let young = new Map<string, Bucket>()
  let old = new Map<string, Bucket>()
  let youngSince = Number.NEGATIVE_INFINITY

  const missing = (name: string, now: number): number => {
    const bucket = young.get(name) ?? old.get(name)
    if (bucket === undefined) return 0
    return Math.max(0, bucket.missing - (now - bucket.at) * limit)
  }

  const take = (name: string, now: number) => {
    const bucket = { missing: missing(name, now) + per, at: now }
    if (young.size >= capacity || now - youngSince >= per) {
      old = young
      young = new Map()
      youngSince = now
    }
    young.set(name, bucket)
  }

  return {
    rate,
    wait: (name, now) => Math.ceil(Math.max(0, missing(name, now) + per - limit * per) / limit),
    reset: (name, now) => Math.ceil(missing(name, now) / limit),
    take,
    size: () => young.size + old.size
  }
}
