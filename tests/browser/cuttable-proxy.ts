// A TCP proxy between browser and hub that can be cut: open connections close and new ones are refused.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class CuttableProxy {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(private readonly server: Server) {}

  /** A proxy to the host and port of this URL. */
  static async to(url: string): Promise<CuttableProxy> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const proxy = new CuttableProxy(server);
    server.on("connection", (near) => {
      if (proxy.isCut) {
        near.resetAndDestroy();
        return;
      }
      const far = connect({ host: hostname, port: Number(port) });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          proxy.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  restore(): void {
    this.isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }
}
