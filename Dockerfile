# The image for those without Rockcraft: the program with its web UI, the libraries that it is linked to, CA
# certificates, and nothing else. No shell, no package manager, no Pebble.
#
#     docker build --tag cluster-manager .

FROM node:22-bookworm-slim AS ui
WORKDIR /source
COPY tools/ui tools/ui
COPY docs/reference/openapi.json docs/reference/
COPY workload/ui workload/ui
RUN tools/ui build

FROM rust:1.95-bookworm AS program
WORKDIR /source
COPY . .
COPY --from=ui /source/workload/ui/dist workload/ui/dist
RUN cargo build --locked --profile dist -p server --bin cluster-manager
RUN tools/image target/dist/cluster-manager /image && mkdir -p --mode 700 /state/cluster-manager

FROM scratch
COPY --from=program /image /
# Where the charm puts certificates and keys. The number is that of Rockcraft's _daemon_.
COPY --from=program --chown=584792:584792 /state /var/lib
USER 584792:584792
EXPOSE 9000 10000
ENTRYPOINT ["/usr/bin/cluster-manager"]
CMD ["serve"]
