// The names under which answers are kept, in one place, so that what a change touches can be found.

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
  configuration: ["configuration"],
  status: ["status"],
  signIn: ["sign-in"],
  metricsSinks: ["metrics-sinks"],
} as const;
