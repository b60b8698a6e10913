# cozone in an image: libraries as pinned, kernels compiled, nothing that compiles or installs.
#
#   docker build --tag cozone .
#
# Behind an air gap, name a mirror: --build-arg PIP_INDEX_URL=… ; or build where there is a network, and carry the image (docker save).

FROM python:3.11-slim-bookworm AS base
# Kernels run in threads of OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
# What every processor of the last decade and a half has, as numpy asks for it, too: the image runs on other machines than the one that
# built it. x86-64-v3 suits where all have AVX2, generic where they are no x86.
ARG KERNEL_CPU=x86-64-v2
# Kernels are looked up by the name of the processor and its features.
ENV NUMBA_CPU_NAME=${KERNEL_CPU} \
    NUMBA_CPU_FEATURES="" \
    NUMBA_CACHE_DIR=/opt/cozone/kernels \
    PATH=/opt/cozone/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1


FROM base AS build
# Empty unless given: then a mirror of the package index.
ARG PIP_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
COPY requirements/run.txt requirements/build.txt /src/requirements/
RUN /usr/local/bin/python -m venv --without-pip /opt/cozone \
    && /usr/local/bin/python -m pip --python /opt/cozone/bin/python install --require-hashes --only-binary :all: --requirement /src/requirements/run.txt
# The libraries' own tests, sources and headers, and clients of remote storage: a fifth of them.
RUN find /opt/cozone/lib -type d -name tests -prune -exec rm -rf {} + \
    && find /opt/cozone/lib -type f "(" -name "*.pyx" -o -name "*.pxd" -o -name "*.c" -o -name "*.cpp" -o -name "*.h" -o -name "*.hpp" -o -name "*.a" ")" -delete \
    && find /opt/cozone/lib -type f "(" -name "libarrow_flight*" -o -name "_flight*.so" -o -name "libarrow_s3*" -o -name "_s3fs*.so" ")" -delete
RUN /usr/local/bin/python -m venv /build \
    && /build/bin/python -m pip install --require-hashes --only-binary :all: --requirement /src/requirements/build.txt
COPY pyproject.toml README.md LICENSE /src/
COPY gis /src/gis
COPY service /src/service
RUN /build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheels /src \
    && /usr/local/bin/python -m pip --python /opt/cozone/bin/python install --no-deps --no-index --find-links /build/wheels cozone
RUN /opt/cozone/bin/python -m gis.warm


FROM base AS run
RUN groupadd --gid 10001 cozone \
    && useradd --uid 10001 --gid cozone --no-create-home --home-dir /tmp --shell /usr/sbin/nologin cozone \
    && install --directory --owner cozone --group cozone /workspace \
    && /usr/local/bin/python -m pip uninstall --yes --root-user-action ignore pip setuptools wheel
COPY --from=build /opt/cozone /opt/cozone
ENV HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    COZONE_WORKSPACE=/workspace
USER 10001:10001
WORKDIR /workspace
VOLUME /workspace
EXPOSE 8765
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('COZONE_PORT', 8765)), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["cozone"]
CMD ["serve", "--host", "0.0.0.0", "--create"]
