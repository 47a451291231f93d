# What the pages of docs/runbooks find around them: a service manager whose units are commands, a server that
# runs, and a key to call it with.

units=$(mktemp -d)
trap 'code=$?; for unit in "$units"/*.pid; do systemctl stop "$(basename "$unit" .pid)"; done; rm -rf "$units"; exit $code' EXIT

# unit NAME COMMAND says what systemctl starts under a name.
unit() { printf '%s' "$2" >"$units/$1"; }

# systemctl VERB NAME does what that of systemd does with a service of Type=notify.
systemctl() {
  local verb=$1 name=$2 pid=
  if [[ -f $units/$name.pid ]]; then pid=$(<"$units/$name.pid"); fi
  case $verb in
  start)
    bash -c "exec $(<"$units/$name")" </dev/null >>"$name.log" 2>&1 &
    pid=$!
    echo "$pid" >"$units/$name.pid"
    if [[ $name == orderprocessing ]]; then
      until curl -ksf -o /dev/null http://127.0.0.1:9090/readyz; do
        kill -0 "$pid" 2>/dev/null || { tail -n 5 "$name.log"; return 1; }
        sleep 0.05
      done
    fi
    ;;
  stop)
    if [[ -n $pid ]] && kill "$pid" 2>/dev/null; then wait "$pid" || true; fi
    rm -f "$units/$name.pid"
    ;;
  restart) systemctl stop "$name" && systemctl start "$name" ;;
  *) echo "systemctl $verb is not known here" && return 1 ;;
  esac
}

unit orderprocessing 'orderprocessing serve'
systemctl start orderprocessing
export TOKEN=${ORDERPROCESSING_TOKEN:-$(cat data/admin.key 2>/dev/null)}

# call SERVICE/METHOD JSON calls the server, as the hidden preparations of a page do.
call() { grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d "$2" 127.0.0.1:8080 "$1"; }

# sell puts goods on the shelf and places so many orders, which are confirmed when it ends.
sell() {
  call inventory.v1.InventoryService/UpsertProduct '{"product":{"sku":"85123A","name":"WHITE HANGING HEART","currency_code":"GBP","unit_price_minor":255},"request_id":"product"}' >/dev/null
  call inventory.v1.InventoryService/AdjustStock '{"sku":"85123A","delta":1000,"reason":"ADJUSTMENT_REASON_RECEIVED","request_id":"stock"}' >/dev/null
  local n
  for ((n = 0; n < $1; n++)); do order "cus_$n"; done
  until [[ $(call orders.v1.OrderService/ListOrders '{"page_size":500,"filter":{"lifecycle":"LIFECYCLE_CONFIRMED"}}' | grep -c confirmTime) -ge $1 ]]; do sleep 0.1; done
}

# order CUSTOMER places an order.
order() {
  call orders.v1.OrderService/CreateOrder '{"order":{"customer_id":"'"$1"'","currency_code":"GBP","lines":[{"sku":"85123A","quantity":1,"unit_price_minor":255}]},"payment_method":"tok_ok","request_id":"order-'"$1"'"}' >/dev/null
}
