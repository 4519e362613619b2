/** What is captured and told says whose it is, so that the platform never sends it to us as news. */
import { AnalyticsProvider } from "@hogsend/core"

type Provider = AnalyticsProvider["Service"]

export const marked = (provider: Provider, installationId: string): Provider =>
  AnalyticsProvider.of({
    meta: provider.meta,
    capabilities: provider.capabilities,
    get project() {
      return provider.project
    },
    readPerson: (distinctId) => provider.readPerson(distinctId),
    capture: (event) => provider.capture({ ...event, properties: { ...event.properties, hogsend: installationId } }),
    deliver: (messages) => provider.deliver(messages, { installationId }),
    get lastWriteError() {
      return provider.lastWriteError ?? null
    },
    loop: provider.loop
  })
