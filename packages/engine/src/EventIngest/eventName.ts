/**
 * Which event names belong to the engine.
 *
 * Journeys, buckets and conditions trust events such as `email.bounced`; a browser that could send one could start or
 * end what it likes. Says only what is reserved; who may send it all the same is decided by the caller.
 */

// Without the `u` flag, `i` folds ASCII only.
const reserved = /^(?:email|journey|bucket|contact|deal|funnel|link|endpoint)[.:]/i

/**
 * Whether the name is in one of the engine's namespaces: its first segment, in any case, is one of them and ends with
 * `.` or `:`. `inapp` and `banner` are not reserved: browsers send those.
 *
 * @example
 * isReservedEventName("Email.opened") // true
 * isReservedEventName("email_opened") // false
 */
export const isReservedEventName = (name: string): boolean => reserved.test(name)
