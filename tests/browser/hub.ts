// Prepares the hub for a test: over its API, as an administrator, and with simulated clusters.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { promisify } from "node:util";
import { request, type APIRequestContext } from "@playwright/test";
import { setting } from "./settings";

const run = promisify(execFile);

/** A name that no other test uses. */
export function unique(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

export class Hub {
  private readonly joined: string[] = [];
  private readonly tokens: string[] = [];

  private constructor(private readonly api: APIRequestContext) {}

  static async open(baseURL: string): Promise<Hub> {
    const authorization = `Bearer ${setting("CM_TOKEN_ADMIN")}`;
    const api = await request.newContext({
      baseURL,
      ignoreHTTPSErrors: true,
      extraHTTPHeaders: { authorization },
    });
    return new Hub(api);
  }

  /** A join token, valid for a day by default. */
  async token(name: string, description = "", expiry?: Date): Promise<string> {
    const metadata = await this.post("/1.0/remote-cluster-join-token", {
      cluster_name: name,
      description,
      ...(expiry === undefined ? {} : { expiry: expiry.toISOString() }),
    });
    this.tokens.push(name);
    return (metadata as { token: string }).token;
  }

  /** Creates clusters that have joined and sent a heartbeat. */
  async clusters(names: string[], description = ""): Promise<void> {
    const tokens: string[] = [];
    for (const name of names) tokens.push(await this.token(name, description));
    await simulate(tokens);
    this.cleanUp(names);
  }

  /** Removes clusters and tokens with these names at the end of the test, if the test creates them in another way. */
  cleanUp(names: string[]): void {
    this.joined.push(...names);
    this.tokens.push(...names);
  }

  async configure(names: string[], change: object): Promise<void> {
    await this.post("/1.0/remote-cluster-bulk", {
      action: "configure",
      names,
      change,
    });
  }

  async remove(names: string[]): Promise<void> {
    await this.post("/1.0/remote-cluster-bulk", { action: "remove", names });
  }

  async cluster(name: string): Promise<Record<string, unknown>> {
    const response = await this.api.get(`/1.0/remote-cluster/${encodeURIComponent(name)}`);
    return ((await response.json()) as { metadata: Record<string, unknown> }).metadata;
  }

  /** The names of clusters in the order of the list. */
  async names(query: string): Promise<string[]> {
    const response = await this.api.get(`/1.0/remote-cluster?fields=summary&${query}`);
    const { metadata } = (await response.json()) as { metadata: { items: { name: string }[] } };
    return metadata.items.map((item) => item.name);
  }

  async close(): Promise<void> {
    if (this.joined.length > 0) await this.remove(this.joined);
    for (const name of this.tokens) {
      await this.api.delete(`/1.0/remote-cluster-join-token/${encodeURIComponent(name)}`);
    }
    await this.api.dispose();
  }

  private async post(path: string, data: object): Promise<unknown> {
    const response = await this.api.post(path, { data });
    if (!response.ok()) throw new Error(`${path}: ${await response.text()}`);
    return ((await response.json()) as { metadata: unknown }).metadata;
  }
}

/** Joins a simulated cluster with each token and sends one or two heartbeats. */
export async function simulate(tokens: string[]): Promise<void> {
  const program = setting("CM_FLEETSIM");
  const parameters = [
    "--tokens-from",
    "-",
    "--interval",
    "1",
    "--duration",
    "2s",
    "--fail-on-errors",
    "--quiet",
  ];
  await runWithInput(program, parameters, tokens.join("\n") + "\n");
}

export async function shell(command: string): Promise<void> {
  await run("bash", ["-c", command]);
}

export async function runWithInput(program: string, parameters: string[], input: string): Promise<void> {
  const child = spawn(program, parameters, {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code ?? "a signal"}: ${stderr}`);
}
