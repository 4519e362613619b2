/** `@hogsend/node`: the Node edge. */
export { EmbeddedPostgres, EmbeddedPostgresFailed, type EmbeddedPostgresOptions } from "./EmbeddedPostgres.ts"
export { developmentSecret } from "./developmentSecret.ts"
export { type Environment, readEnvironment, SettingsInvalid } from "./Environment.ts"
export { HogsendServer, type HogsendServerOptions } from "./HogsendServer.ts"
export { migrate, type MigrateOptions, type MigrationOptions, runMigrations } from "./migrate.ts"
export { MigrationFailed, type MigrationReport } from "@hogsend/engine"
export { MetricsPortUnusable, MetricsServer, type MetricsServerOptions } from "./MetricsServer.ts"
export { ProcessMetrics, type ProcessMetricsOptions } from "./ProcessMetrics.ts"
export { migrated, type MigratedOptions } from "./migrated.ts"
export { NodeEgressTransport, type NodeEgressTransportOptions } from "./NodeEgressTransport.ts"
export { Observability } from "./Observability.ts"
export { DatabaseRefused, Postgres } from "./Postgres.ts"
export { MigrationsUnreadable, readMigrations } from "./readMigrations.ts"
export { serverOptions } from "./serverOptions.ts"
export { type BootFailure, orderlyExit, orExplain } from "./bootFailure.ts"
export { Welcome } from "./Welcome.ts"
export {
  ClientDisposed,
  type ContactInput,
  createHogsendClient,
  type EventInput,
  type HogsendClient,
  type HogsendClientDatabase,
  type HogsendClientOptions,
  type HogsendClientServices,
  type IdentityMerge,
  type IdentitySplit,
  type PersonKeys,
  type SendOptions
} from "./createHogsendClient.ts"
