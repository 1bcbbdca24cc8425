# The program alone, static, as an unprivileged user, on an empty base.

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules first: they change less often than the code and stay in the layer cache.
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/stepping-cdc ./cmd/stepping-cdc \
 && mkdir -p /out/state /out/tmp \
 && printf 'stepping:x:65532:65532::/var/lib/stepping:/sbin/nologin\n' > /out/passwd \
 && printf 'stepping:x:65532:\n' > /out/group

FROM scratch
COPY --from=build /out/passwd /out/group /etc/
# For TLS to managed databases, and for the time zones of log lines.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/local/go/lib/time/
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build --chown=65532:65532 /out/state /var/lib/stepping
COPY --from=build /out/stepping-cdc /usr/local/bin/stepping-cdc

# By number, so that "runAsNonRoot" can be checked without reading passwd.
USER 65532:65532
ENV PATH=/usr/local/bin HOME=/var/lib/stepping \
    STEPPING_STATE_DIR=/var/lib/stepping/state STEPPING_HTTP_LISTEN=0.0.0.0:8585
# stepping.yaml is mounted here, and found without -c.
WORKDIR /etc/stepping
VOLUME /var/lib/stepping
EXPOSE 8585
# Exit status 0: all views are live.
HEALTHCHECK --interval=10s --timeout=5s --start-period=2m --retries=3 CMD ["stepping-cdc", "status"]
ENTRYPOINT ["stepping-cdc"]
CMD ["run"]
