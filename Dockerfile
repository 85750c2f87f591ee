# One image for every role: `docker build -t footfall .` (docs/deployment.md).
# No "syntax" line: the frontend that it names would be fetched before anything is built.
ARG BASE_IMAGE=debian:bookworm-slim

# What it is built with: the group "build" of scripts/packages.txt.
FROM ${BASE_IMAGE} AS deps
COPY scripts/packages.txt /tmp/packages.txt
# hadolint ignore=DL3008,SC2046 # Debian's stable release fixes the versions, security updates aside
RUN apt-get update \
 && apt-get install -y --no-install-recommends $(awk '$1 == "build" { print $2 }' /tmp/packages.txt) \
 && rm -rf /var/lib/apt/lists/*

FROM deps AS build
WORKDIR /src
COPY . .
# Compiled anew, this takes minutes; ccache makes it seconds where the builder keeps its cache.
# The language is part of what ccache knows a compilation by.
RUN --mount=type=cache,id=footfall-ccache,target=/var/cache/ccache \
    CCACHE_DIR=/var/cache/ccache LANG=C.UTF-8 scripts/build release app/footfall \
 && strip -o /usr/local/bin/footfall build/release/app/footfall
# What is compiled into the program, not linked to it: an SBOM cannot learn it from the image.
RUN mkdir -p /out/data /out/certs \
 && dpkg-query -W -f '${Package} ${Version}\n' libboost1.81-dev libcli11-dev > /out/built-in

FROM ${BASE_IMAGE} AS runtime
COPY scripts/packages.txt /tmp/packages.txt
# hadolint ignore=DL3008,SC2046 # as above
RUN apt-get update \
 && apt-get install -y --no-install-recommends $(awk '$1 == "runtime" { print $2 }' /tmp/packages.txt) \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/* /tmp/packages.txt \
 && groupadd --gid 10001 footfall \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin footfall
COPY --from=build /out/built-in /usr/share/footfall/built-in
COPY --from=build /usr/local/bin/footfall /usr/local/bin/footfall
# A new volume that is mounted there belongs to the user as well.
COPY --from=build --chown=10001:10001 /out/data /var/lib/footfall
COPY --from=build --chown=10001:10001 /out/certs /etc/footfall/certs
# A library that is missing ends the build here.
RUN footfall serve --print-config > /dev/null

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Footfall" \
      org.opencontainers.image.description="Click analytics that counts every acknowledged click exactly once" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
# Outside of its loopback a node asks for keys, and does not start while there is none, unless
# FOOTFALL_AUTH says "off". The admin port stays on the container's own loopback, where the
# health check asks, unless FOOTFALL_ADMIN_BIND says otherwise.
ENV FOOTFALL_BIND=0.0.0.0 \
    FOOTFALL_DATA_DIR=/var/lib/footfall \
    FOOTFALL_LOG_FORMAT=json
WORKDIR /var/lib/footfall
USER 10001:10001
EXPOSE 8080 8081 8082 50051 4242
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/usr/local/bin/footfall", "health"]
ENTRYPOINT ["/usr/local/bin/footfall"]
CMD ["serve"]
