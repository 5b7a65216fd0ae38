# syntax=docker/dockerfile:1
# Two stages: build with the development tools, run with the three production packages and nothing else.
FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="holdfast" \
      org.opencontainers.image.description="TCP sidecar proxy in front of Redis Sentinel" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER 1000
EXPOSE 6379
STOPSIGNAL SIGTERM
# Loopback is the default; in a container of its own (not a sidecar) set HOLDFAST_LISTEN=0.0.0.0:6379.
ENTRYPOINT ["node", "--enable-source-maps", "/app/dist/main.js"]
