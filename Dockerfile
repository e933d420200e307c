# Worker, API and gateway are one image with three commands: they share all of their code.
FROM node:26.10.0-trixie-slim

# Git and ssh fetch code, Python trains, bubblewrap makes sandboxes, slirp4netns and iproute2 give one a network.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git iproute2 openssh-client python3 python3-venv slirp4netns \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY package.json package-lock.json ./
# The install script of onnxruntime-node fetches files for GPUs, which nothing here uses. Node is the image's own.
RUN ONNXRUNTIME_NODE_INSTALL=skip npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY . .

# State and caches are volumes below it; everything else in the image is read-only to them.
RUN install --directory --owner=node --group=node --mode=0700 /var/lib/perennial
ENV NODE_ENV=production PERENNIAL_HOME=/var/lib/perennial HOME=/tmp NODE_COMPILE_CACHE=/var/lib/perennial/cache/node
VOLUME /var/lib/perennial
USER node
EXPOSE 7400 7401 7405
CMD ["node", "api/main.ts"]
