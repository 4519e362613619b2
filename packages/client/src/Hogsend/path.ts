/** The path of a request, whose parameters are one segment each, whatever stands in them. */

/** `` path`/v1/admin/webhooks/${id}` ``. Throws where an empty one or dots would make it the path of another route. */
export const path = (texts: TemplateStringsArray, ...ids: ReadonlyArray<string>): string =>
  String.raw(
    { raw: texts },
    ...ids.map((id) => {
      if (typeof id !== "string" || /^\.{0,2}$/.test(id)) throw new TypeError("An id must be a text, and not empty")
      return encodeURIComponent(id)
    })
  )
