/** For `npx drizzle-kit generate`, which reads the schema and writes the folder `migrations`. */
export default {
  dialect: "postgresql",
  schema: "./src/schema.ts",
  out: "./migrations",
  // Ours are no business of drizzle-kit's.
  schemaFilter: ["public"]
}
