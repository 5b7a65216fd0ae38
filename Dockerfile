# syntax=docker/dockerfile:1
# Bundles with the development tools; runs with the production packages, the compiled program and nothing else.
#
#   docker build -t holdfast .
#   docker build -t holdfast:shell --build-arg RUNTIME_IMAGE=docker.io/library/node:24-trixie-slim .
#
# The result runs as uid 1000, with a read-only root file system, without capabilities and without a shell.
ARG BUILD_IMAGE=docker.io/library/node:24-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13

# What is copied out of the first two stages is the same on every processor, so they run on the builder's own. No package that
# they need has an install script; the one of `node` would bring a Node, and there is one here.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY scripts/bundle.mjs ./scripts/
COPY src ./src
RUN ["node", "scripts/bundle.mjs"]

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="holdfast" \
      org.opencontainers.image.description="TCP sidecar proxy in front of Redis Sentinel" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
# /nodejs/bin is where the distroless images keep node. MALLOC_*: glibc by itself raises the size from which it gives blocks back at
# once, and opens a heap for each thread; both keep memory that is free (measured in docs/operations.md, "Memory"). The values are its
# own first ones, held fast. A musl image reads none of them. The admin port is for the health check; loopback, so it shows nothing.
ENV NODE_ENV=production \
    HOLDFAST_ADMIN_LISTEN=127.0.0.1:9379 \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nodejs/bin
COPY --from=packages /app/package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A number, as Kubernetes cannot tell whether a name is root (runAsNonRoot).
USER 1000:1000
EXPOSE 6379 9379
STOPSIGNAL SIGTERM
# Asks the admin port at HOLDFAST_ADMIN_LISTEN. No shell is involved.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "/app/dist/main.js", "health"]
# Loopback is the default; in a container of its own (not a sidecar) set HOLDFAST_LISTEN=0.0.0.0:6379.
ENTRYPOINT ["node", "--single-threaded-gc", "--max-semi-space-size=4", "/app/dist/main.js"]
