package interceptors

import (
	"errors"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
)

// shedRetryAfter is when those who are turned away may come back: the gate adapts within it.
const shedRetryAfter = time.Second

// enter takes a place for a call that is not a stream; leave gives it back. Streams pace themselves,
// and would hold a place for hours.
func (c *Chain) enter(e *exchange) (leave func(), err error) {
	m := c.limiter
	if m.limits.Gate == nil || e.procedure.StreamsIn || e.procedure.StreamsOut {
		return func() {}, nil
	}
	leave, err = m.limits.Gate.Enter(e.request.Context(), m.presented(e))
	if !errors.Is(err, gate.ErrFull) {
		return leave, err
	}
	m.shed.Inc()
	f := fault.New(fault.KindExhausted, fault.ReasonOverloaded, "too many calls are under way")
	f.RetryAfter = shedRetryAfter
	return nil, f
}

// presented tells callers apart before they are authenticated: by what they present, or else by
// address. Whoever invents credentials to be many is refused by them, at once, and counted by address.
func (m *limiter) presented(e *exchange) string {
	if tls := e.request.TLS; tls != nil && len(tls.VerifiedChains) > 0 {
		return m.hash(string(tls.VerifiedChains[0][0].RawSubjectPublicKeyInfo))
	}
	for _, name := range []string{"Authorization", "X-Api-Key"} {
		if value := e.request.Header.Get(name); value != "" {
			return m.hash(value)
		}
	}
	return e.address
}

// hash keeps credentials out of the gate.
func (m *limiter) hash(text string) string {
	return strconv.FormatUint(maphash.String(m.seed, text), 36)
}
