package interceptors

import (
	"hash/maphash"
	"strconv"
)

// enter takes a place for a call that is not a stream; leave gives it back. Streams pace themselves,
// and would hold a place for hours. It fails as the gate does.
func (c *Chain) enter(e *exchange) (leave func(), err error) {
	m := c.limiter
	places := m.limits.Load().Gate
	if places == nil || e.procedure.StreamsIn || e.procedure.StreamsOut {
		return func() {}, nil
	}
	return places.Enter(e.request.Context(), m.presented(e))
}

// Crowded tells whether calls are turned away now because too many are under way.
func (c *Chain) Crowded() bool {
	if c.limiter == nil {
		return false
	}
	places := c.limiter.limits.Load().Gate
	return places != nil && places.Crowded()
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
