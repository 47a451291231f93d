package interceptors

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
)

// quotas are the headers that tell a caller what is left: RateLimit and RateLimit-Policy of
// draft-ietf-httpapi-ratelimit-headers, with an item for each budget.
type quotas struct{ policies, limits string }

// add tells of one more budget. It is part of every call, so what they share is written once.
func (q *quotas) add(header http.Header, name string, r ratelimit.Result) {
	var room [128]byte
	text := item(room[:0], q.policies, name)
	text = number(text, ";q=", r.Limit.Burst)
	text = number(text, ";w=", seconds(r.Limit.Window()))
	q.policies = string(text)

	text = item(room[:0], q.limits, name)
	text = number(text, ";r=", r.Remaining)
	text = number(text, ";t=", seconds(r.Reset))
	q.limits = string(text)

	values := [...]string{q.policies, q.limits}
	header["Ratelimit-Policy"] = values[0:1:1]
	header["Ratelimit"] = values[1:2:2]
}

// item begins the next item of a list; the names of budgets need no escaping.
func item(text []byte, list, name string) []byte {
	text = append(text, list...)
	if list != "" {
		text = append(text, ", "...)
	}
	return append(append(append(text, '"'), name...), '"')
}

func number(text []byte, key string, n int) []byte {
	return strconv.AppendInt(append(text, key...), int64(n), 10)
}

// seconds are whole ones, rounded up.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
