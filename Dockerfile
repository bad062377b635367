# A rehost worker. Built by docker-compose.yml; for another Node.js image: --build-arg NODE_IMAGE=…
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY lab lab
COPY src src
RUN npm run build && npm prune --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
# The SSH client answers what ~/.ssh/config says of an alias; connections are made by the worker itself.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 rehost \
 && useradd --uid 10001 --gid 10001 --create-home rehost
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER rehost
ENTRYPOINT ["node", "/app/dist/src/cli/main.js"]
CMD ["worker"]
