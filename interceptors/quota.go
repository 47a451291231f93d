package interceptors

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
)

// quotas are the headers that tell a caller what is left: RateLimit and RateLimit-Policy of
// draft-ietf-httpapi-ratelimit-headers, with an item for each budget, and the older X-RateLimit ones,
// for the budget that was asked last.
type quotas struct{ policies, limits string }

// add tells of one more budget. It is part of every call, so all values share two strings.
func (q *quotas) add(header http.Header, name string, r ratelimit.Result) {
	var room [128]byte
	text := item(room[:0], q.policies, name)
	text, burst := number(text, ";q=", r.Limit.Burst)
	text, _ = number(text, ";w=", seconds(r.Limit.Window()))
	q.policies = string(text)

	text = item(room[:0], q.limits, name)
	text, remaining := number(text, ";r=", r.Remaining)
	text, reset := number(text, ";t=", seconds(r.Reset))
	q.limits = string(text)

	values := [...]string{q.policies, q.limits, burst.of(q.policies), remaining.of(q.limits), reset.of(q.limits)}
	header["Ratelimit-Policy"] = values[0:1:1]
	header["Ratelimit"] = values[1:2:2]
	header["X-Ratelimit-Limit"] = values[2:3:3]
	header["X-Ratelimit-Remaining"] = values[3:4:4]
	header["X-Ratelimit-Reset"] = values[4:5:5]
}

// item begins the next item of a list; the names of budgets need no escaping.
func item(text []byte, list, name string) []byte {
	text = append(text, list...)
	if list != "" {
		text = append(text, ", "...)
	}
	return append(append(append(text, '"'), name...), '"')
}

// span is where a number stands in a text.
type span struct{ from, to int }

func (s span) of(text string) string { return text[s.from:s.to] }

func number(text []byte, key string, n int) ([]byte, span) {
	text = append(text, key...)
	from := len(text)
	text = strconv.AppendInt(text, int64(n), 10)
	return text, span{from, len(text)}
}

// seconds are whole ones, rounded up.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
