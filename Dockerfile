# The app, the command line, and the MLflow of examples/deploy, in one image without any secret: see examples/deploy.
FROM python:3.11-slim-trixie AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /build
COPY pyproject.toml README.md LICENSE streamlit_app.py ./
COPY .streamlit/config.toml .streamlit/
COPY eval_pipeline eval_pipeline
COPY pages pages
COPY static static
RUN uv venv /opt/eval-pipeline \
    && uv pip install --no-cache --compile-bytecode --python /opt/eval-pipeline ".[postgres]" "mlflow[auth]"

FROM python:3.11-slim-trixie
RUN useradd --system --uid 10001 --create-home eval && install --directory --owner=eval /cache /data /work
COPY --from=build /opt/eval-pipeline /opt/eval-pipeline
ENV PATH=/opt/eval-pipeline/bin:$PATH PYTHONUNBUFFERED=1 XDG_CACHE_HOME=/cache
USER 10001
WORKDIR /work
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=8)"]
CMD ["eval-pipeline", "ui", "--host", "0.0.0.0", "--public-url", "http://localhost:8501", "--no-browser"]
