package simulator

import (
	"math/rand/v2"
	"sync"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Rates are the fractions, 0 to 1, of all requests that a fault strikes by chance, whatever their
// token says, and however often they are repeated. Inquiries meet TimeoutBefore, ErrorBefore and
// Refused.
type Rates struct {
	TimeoutBefore    float64 `json:"timeout_before"`
	TimeoutAfter     float64 `json:"timeout_after"`
	ErrorBefore      float64 `json:"error_before"`
	ErrorAfter       float64 `json:"error_after"`
	Refused          float64 `json:"refused"`
	Slow             float64 `json:"slow"`
	DuplicateWebhook float64 `json:"duplicate_webhook"`
	WebhookFirst     float64 `json:"webhook_first"`
	WebhookLost      float64 `json:"webhook_lost"`
}

type rate struct {
	name     string
	fraction float64
}

func (r *Rates) list() []rate {
	return []rate{
		{faultTimeoutBefore, r.TimeoutBefore},
		{faultTimeoutAfter, r.TimeoutAfter},
		{faultErrorBefore, r.ErrorBefore},
		{faultErrorAfter, r.ErrorAfter},
		{faultRefused, r.Refused},
		{faultSlow, r.Slow},
		{faultDuplicateWebhook, r.DuplicateWebhook},
		{faultWebhookFirst, r.WebhookFirst},
		{faultWebhookLost, r.WebhookLost},
	}
}

// Check refuses fractions that are none, and more than all together.
func (r *Rates) Check() error {
	sum := 0.0
	for _, f := range r.list() {
		if !(f.fraction >= 0) {
			return fault.Invalid(fault.ReasonInvalidRequest, f.name, "a rate is 0 to 1")
		}
		sum += f.fraction
	}
	if sum > 1 {
		return fault.Invalid(fault.ReasonInvalidRequest, "rates", "the rates are more than 1 together")
	}
	return nil
}

// draw picks a fault by chance.
func (r *Rates) draw() string {
	if *r == (Rates{}) {
		return faultNone
	}
	at := rand.Float64() //nolint:gosec // it simulates bad luck
	for _, f := range r.list() {
		if at -= f.fraction; at < 0 {
			return f.name
		}
	}
	return faultNone
}

// SetRates sets the faults by chance from now on; the zero value ends them. Restarting does too.
func (s *Simulator) SetRates(r Rates) error {
	if err := r.Check(); err != nil {
		return err
	}
	s.rates.Store(&r)
	return nil
}

// maxStruck bounds what is remembered of keys that were struck.
const maxStruck = 100_000

// struck remembers the keys that a fault has struck once.
type struck struct {
	mu   sync.Mutex
	keys map[string]struct{}
}

// first tells whether a key is struck for the first time.
func (s *struck) first(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.keys[key]; known {
		return false
	}
	if s.keys == nil || len(s.keys) >= maxStruck {
		s.keys = make(map[string]struct{})
	}
	s.keys[key] = struct{}{}
	return true
}

// inflight counts the requests of a key that are being done: until they are, nobody can say that
// they never happened.
type inflight struct {
	mu   sync.Mutex
	keys map[string]int
}

func (i *inflight) enter(key string) (leave func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys == nil {
		i.keys = make(map[string]int)
	}
	i.keys[key]++
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.keys[key]--; i.keys[key] == 0 {
			delete(i.keys, key)
		}
	}
}

func (i *inflight) has(key string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[key] > 0
}
