# The `tuneloop` command as an image. `docker build -t tuneloop .`, then `docker run --rm tuneloop --help`.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json ./

FROM base AS build
RUN npm ci
COPY tsconfig.json ./
COPY src src
COPY workflows workflows
COPY activities activities
RUN npm run prepack

FROM base
# The latter two keep a worker's memory low, as src/dev/own-servers.ts says.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 NODE_OPTIONS=--max-semi-space-size=8
# Temporal's client takes the roots of TLS from the system.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN npm ci --omit=dev && npm cache clean --force
COPY --from=build /app/dist dist
COPY src/cli/tuneloop.js src/cli/
RUN ln -s /app/src/cli/tuneloop.js /usr/local/bin/tuneloop && install -d -o node -g node /state
USER node
ENTRYPOINT ["tuneloop"]
CMD ["--help"]
