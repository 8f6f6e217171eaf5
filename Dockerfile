# syntax=docker/dockerfile:1
# The web page of a model: docker build -t pose-activity . ; docs/serve.md says how to run it.
# The base is named by its digest: of the index of all platforms with Python 3.13.14 that Docker's
# own record of its images (github.com/docker-library/repo-info) lists for 5 August 2026. A newer
# one, or another Debian with Python 3.11 to 3.13: --build-arg BASE=...
ARG BASE=docker.io/library/python:3.13-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8

# Installs what the hashed lock names, and the package, into a folder that the second stage takes.
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements-serve.lock ./
RUN python3 -m venv --without-pip /opt/pose-activity \
    && python3 -m pip --python /opt/pose-activity/bin/python3 install \
        --require-hashes --only-binary :all: --requirement requirements-serve.lock
COPY . ./source
RUN python3 -m pip --python /opt/pose-activity/bin/python3 install \
        --no-deps --no-build-isolation ./source \
    && python3 -m pip --python /opt/pose-activity/bin/python3 uninstall --yes setuptools \
    && /opt/pose-activity/bin/python3 -m compileall -q /opt/pose-activity/lib

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pose-activity" \
      org.opencontainers.image.description="Names what a picture or a video shows, by a model that you trained" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="AGPL-3.0-or-later"
COPY --from=build /opt/pose-activity /opt/pose-activity
# Nothing is written but visitors' files, below /tmp: the root may be read-only.
ENV PATH=/opt/pose-activity/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["pose-activity", "serve"]
# A token (POSE_ACTIVITY_TOKEN) lets others in; without one, say --open yourself.
CMD ["--model", "/model", "--host", "0.0.0.0", "--port", "8000", "--state", "/tmp/state"]
