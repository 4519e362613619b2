/** A message knows the trace of the request that it came of, so that its deliveries are part of that trace. */
export const sql = `
-- A W3C \`traceparent\`; null where nobody traced.
alter table hogsend.outbound_messages add column trace text;
`
