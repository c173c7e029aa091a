# docker build -t meldeportal .        (podman: podman build --format docker -t meldeportal .)
FROM python:3.13-slim
WORKDIR /opt/meldeportal
COPY . .
# Only /data can be written afterwards.
RUN python3 start.py einrichten && mkdir /data && chown 10001:10001 /data && chmod 700 /data
ENV TICKET_DATA_DIR=/data TICKET_HOST=0.0.0.0 TICKET_PORT=8400 LANG=C.UTF-8 PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /data
EXPOSE 8400
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8400/healthz', timeout=4)"]
ENTRYPOINT ["python3", "/opt/meldeportal/start.py"]
