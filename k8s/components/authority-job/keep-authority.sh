#!/bin/sh
# Gives the authority that stands in AUTHORITY to Kubernetes as the Secret footfall-authority,
# unless there is one.
set -eu
account=${ACCOUNT:-/var/run/secrets/kubernetes.io/serviceaccount}
server=${SERVER:-https://kubernetes.default.svc}
base64_of() { base64 <"$1" | tr -d '\n'; }

status=$(curl --silent --show-error --retry 10 --retry-all-errors --max-time 20 \
  --cacert "$account/ca.crt" --header "Authorization: Bearer $(cat "$account/token")" \
  --header 'Content-Type: application/json' --output /tmp/answer --write-out '%{http_code}' \
  --data @- "$server/api/v1/namespaces/$(cat "$account/namespace")/secrets" <<END
{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
 "metadata": {"name": "footfall-authority",
              "labels": {"app.kubernetes.io/part-of": "footfall"}},
 "data": {"tls.crt": "$(base64_of "$AUTHORITY/ca.pem")",
          "tls.key": "$(base64_of "$AUTHORITY/ca.key")"}}
END
)
case $status in
  201) echo "made the Secret footfall-authority" ;;
  409) echo "the Secret footfall-authority is there already; it stays as it is" ;;
  *)
    echo "the Secret footfall-authority was not made: $status $(cat /tmp/answer)" >&2
    exit 1
    ;;
esac
