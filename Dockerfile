# docker build -t pix2pix-studio . && docker run -p 7860:7860 pix2pix-studio
FROM python:3.12-slim

# For a torch without CUDA, which is far smaller, give the index that has it: --build-arg PIP_EXTRA_INDEX_URL=…
ARG PIP_EXTRA_INDEX_URL

RUN useradd --create-home --uid 1000 studio
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY --chown=studio . .
RUN mkdir -p runs && chown studio /app runs

USER studio
ENV PYTHONUNBUFFERED=1
EXPOSE 7860
ENTRYPOINT ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
