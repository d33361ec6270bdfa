# Two stages: packages are put together in the first; the second holds the result alone and runs as an ordinary user.
FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements/run.txt requirements/run.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY config config
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
# A named volume takes owner and mode from the folder that it covers.
RUN useradd --uid 10001 --create-home --home-dir /srv/earshot --shell /usr/sbin/nologin earshot \
    && install -d -o earshot -g earshot -m 0700 /srv/earshot/data /srv/earshot/data/models
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 EARSHOT_CONFIG=/srv/earshot/earshot.yaml \
    HF_HOME=/srv/earshot/data/models/.huggingface
USER earshot
WORKDIR /srv/earshot
# Database, media, sessions; and models, which are large and can be fetched again.
VOLUME ["/srv/earshot/data", "/srv/earshot/data/models"]
# For health.port 8787. The first start looks up and joins every channel, one by one, before it answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15m \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8787, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["earshot"]
CMD ["run"]
