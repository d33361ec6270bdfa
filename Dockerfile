# Two stages: packages are built in the first, the second has no compiler and runs as an ordinary user.
FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements/run.txt requirements/run.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY config config
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home --home-dir /srv/earshot --shell /usr/sbin/nologin earshot \
    && install -d -o earshot -g earshot -m 0700 /srv/earshot/data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 EARSHOT_CONFIG=/srv/earshot/earshot.yaml
USER earshot
WORKDIR /srv/earshot
# Database, media, sessions; and models, which are large and can be fetched again.
VOLUME ["/srv/earshot/data", "/srv/earshot/data/models"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8787/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["earshot"]
CMD ["run"]
