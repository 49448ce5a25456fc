// A plug between browser and hub: pulled, nothing comes through any more, and what was under way is cut.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Outlet {
  private readonly open = new Set<Socket>();
  private isPulled = false;

  private constructor(private readonly server: Server) {}

  /** A way to what listens at this URL. */
  static async to(url: string): Promise<Outlet> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const outlet = new Outlet(server);
    server.on("connection", (near) => {
      if (outlet.isPulled) {
        near.resetAndDestroy();
        return;
      }
      const far = connect({ host: hostname, port: Number(port) });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        outlet.open.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          outlet.open.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return outlet;
  }

  get url(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  pull(): void {
    this.isPulled = true;
    for (const socket of this.open) socket.destroy();
  }

  plugIn(): void {
    this.isPulled = false;
  }

  async close(): Promise<void> {
    this.pull();
    this.server.close();
    await once(this.server, "close");
  }
}
