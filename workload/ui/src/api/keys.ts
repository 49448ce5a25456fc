// The cache keys of responses, in one place, so that a change can find what it affects.

export const keys = {
  me: ["me"],
  fleet: ["fleet"],
  clusters: ["clusters"],
  clusterPage: (query: string) => ["clusters", query],
  cluster: (name: string) => ["cluster", name],
  anyCluster: ["cluster"],
  clusterHistory: (name: string, resolution: string) => ["history", name, resolution],
  tokens: ["tokens"],
  events: ["events"],
  eventPage: (query: string) => ["events", query],
  sessions: ["sessions"],
  sessionPage: (query: string) => ["sessions", query],
  configuration: ["configuration"],
  status: ["status"],
  signIn: ["sign-in"],
  metricsSinks: ["metrics-sinks"],
} as const;
