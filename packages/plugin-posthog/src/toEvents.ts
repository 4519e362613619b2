/** Changes of persons and groups as the events that PostHog takes them as. Without a change there is no event. */
import type { AnalyticsMessage, GroupChange, IdentityMerging, PersonChange, PersonProperties } from "@hogsend/core"

export interface PostHogEvent {
  readonly distinctId: string
  readonly event: string
  readonly properties: PersonProperties
}

export const setEvents = ({ distinctId, set = {}, setOnce = {}, unset = [] }: PersonChange): Array<PostHogEvent> => {
  const properties = {
    ...(Object.keys(set).length > 0 ? { $set: set } : {}),
    ...(Object.keys(setOnce).length > 0 ? { $set_once: setOnce } : {}),
    ...(unset.length > 0 ? { $unset: unset } : {})
  }
  return Object.keys(properties).length === 0 ? [] : [{ distinctId, event: "$set", properties }]
}

/** What posthog-node's `alias` sends, which takes no id and no time: `distinctId` survives. */
export const mergeEvents = ({ alias, distinctId }: IdentityMerging): Array<PostHogEvent> => [
  { distinctId, event: "$create_alias", properties: { distinct_id: distinctId, alias } }
]

/** What posthog-node's `groupIdentify` sends. */
export const groupEvents = ({ groupKey, groupType, properties = {} }: GroupChange): Array<PostHogEvent> => [
  {
    distinctId: `$${groupType}_${groupKey}`,
    event: "$groupidentify",
    properties: { $group_type: groupType, $group_key: groupKey, $group_set: properties }
  }
]

export const toEvents = (
  message: Exclude<AnalyticsMessage, { readonly type: "person.delete" }>
): Array<PostHogEvent> => {
  switch (message.type) {
    case "person.set":
      return setEvents(message.data)
    case "person.merge":
      return mergeEvents(message.data)
    case "group.set":
      return groupEvents(message.data)
  }
}
