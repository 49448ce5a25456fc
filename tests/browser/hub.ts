// The hub as the tests prepare it: over its API, as an administrator, and with simulated clusters.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { promisify } from "node:util";
import { request, type APIRequestContext } from "@playwright/test";

const run = promisify(execFile);

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set; see tests/browser/README.md`);
  return value;
}

/** A name that no other test has. */
export function unique(word: string): string {
  return `${word}-${randomBytes(4).toString("hex")}`;
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

  /** A join token; it works for a day where nothing else is said. */
  async token(name: string, description = "", expiry?: Date): Promise<string> {
    const metadata = await this.post("/1.0/remote-cluster-join-token", {
      cluster_name: name,
      description,
      ...(expiry === undefined ? {} : { expiry: expiry.toISOString() }),
    });
    this.tokens.push(name);
    return (metadata as { token: string }).token;
  }

  /** Clusters that have joined and sent a heartbeat. */
  async clusters(names: string[], description = ""): Promise<void> {
    const tokens: string[] = [];
    for (const name of names) tokens.push(await this.token(name, description));
    await simulate(tokens);
    this.willGo(names);
  }

  /** Clusters and tokens that a test makes by other ways, to be removed in the end. */
  willGo(names: string[]): void {
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
    const answer = await this.api.get(`/1.0/remote-cluster/${encodeURIComponent(name)}`);
    return ((await answer.json()) as { metadata: Record<string, unknown> }).metadata;
  }

  /** Names of clusters as the list has them. */
  async names(query: string): Promise<string[]> {
    const answer = await this.api.get(`/1.0/remote-cluster?fields=summary&${query}`);
    const { metadata } = (await answer.json()) as { metadata: { items: { name: string }[] } };
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
    const answer = await this.api.post(path, { data });
    if (!answer.ok()) throw new Error(`${path}: ${await answer.text()}`);
    return ((await answer.json()) as { metadata: unknown }).metadata;
  }
}

/** Joins with the tokens and sends a heartbeat or two. */
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
  await feed(program, parameters, tokens.join("\n") + "\n");
}

export async function shell(command: string): Promise<void> {
  await run("bash", ["-c", command]);
}

export async function feed(program: string, parameters: string[], input: string): Promise<void> {
  const child = spawn(program, parameters, {
    stdio: ["pipe", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code ?? "a signal"}: ${said}`);
}
