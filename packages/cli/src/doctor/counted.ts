/** A number and what it counts: `1 delivery`, `2 deliveries`, `0 keys`. Pure. */
export const counted = (count: number, one: "delivery" | "endpoint" | "key" | "publishable key"): string =>
  `${count} ${count === 1 ? one : one === "delivery" ? "deliveries" : `${one}s`}`
