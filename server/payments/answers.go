package payments

import (
	"context"
	"sync"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
)

// maxAnswers is how many answers are remembered: those of the last seconds, within which a gateway
// mostly sends its webhook.
const maxAnswers = 1 << 12

// answers remembers what gateways have just answered to the sagas that place orders, by the key of the
// operation. A webhook that says the same is no news. It is a memory of this process alone: who does not find an
// answer looks at what is stored.
type answers struct {
	mu    sync.Mutex
	known map[payment.Key]*answer
	order []payment.Key // as they came; a ring once it is full
	next  int
}

// answer is one answer. It is stored once stored is closed, unless it was forgotten.
type answer struct {
	payment.Answer
	stored chan struct{}
}

// came remembers an answer that is to be stored now, and gives what to call then.
func (a *answers) came(key payment.Key, what payment.Answer) (stored func(error)) {
	one := &answer{Answer: what, stored: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[payment.Key]*answer{}
	}
	if len(a.order) < maxAnswers {
		a.order = append(a.order, key)
	} else {
		delete(a.known, a.order[a.next])
		a.order[a.next] = key
		a.next = (a.next + 1) % maxAnswers
	}
	a.known[key] = one
	return func(err error) {
		if err != nil {
			a.forget(key)
		}
		close(one.stored)
	}
}

// forget makes what a webhook says about an operation news again.
func (a *answers) forget(key payment.Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, key)
}

// has tells whether this was answered and is stored. It waits for what is being stored.
func (a *answers) has(ctx context.Context, key payment.Key, what payment.Answer) bool {
	a.mu.Lock()
	one, ok := a.known[key]
	a.mu.Unlock()
	if !ok || one.Answer != what {
		return false
	}
	select {
	case <-one.stored:
	case <-ctx.Done():
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[key] == one
}
