package payments_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// trouble is what the fake does to the next call instead of answering.
type trouble int

const (
	fine       trouble = iota
	lostBefore         // no answer, and no effect
	lostAfter          // no answer, but it happened
	turnedAway         // temporary
	slowly             // waits until release is closed, then answers
)

// fake is a gateway in memory that keeps its promises: at most once for a key.
type fake struct {
	mu        sync.Mutex
	answers   map[gateway.Key]gateway.Result
	requests  map[gateway.Key]string
	movements []gateway.Movement
	left      map[gateway.AuthorizationID]money.Minor
	captured  map[gateway.AuthorizationID]money.Minor
	trouble   trouble
	release   chan struct{}
	early     func(gateway.Event) // told of what happened before the answer; may be nil
	calls     int
	unsure    bool // inquiries answer that it is too early to say
	deaf      bool // inquiries fail
}

func newFake() *fake {
	return &fake{
		answers: map[gateway.Key]gateway.Result{}, requests: map[gateway.Key]string{},
		left: map[gateway.AuthorizationID]money.Minor{}, captured: map[gateway.AuthorizationID]money.Minor{},
	}
}

func (f *fake) with(do func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f)
}

// do does something once for a key, and gets into the trouble that is due.
func (f *fake) do(ctx context.Context, key gateway.Key, request any, happen func() (gateway.Result, *gateway.Event, error)) (gateway.Result, error) {
	f.mu.Lock()
	due, release, early := f.trouble, f.release, f.early
	f.calls++
	if due != slowly {
		f.trouble = fine
	}
	f.mu.Unlock()
	switch due {
	case slowly:
		select {
		case <-release:
		case <-ctx.Done():
			return gateway.Result{}, gateway.Unknown(ctx.Err())
		}
	case lostBefore:
		return gateway.Result{}, gateway.Unknown(nil)
	case turnedAway:
		return gateway.Result{}, gateway.Temporary(time.Second, nil)
	default:
	}
	f.mu.Lock()
	text := fmt.Sprintf("%+v", request)
	result, again := f.answers[key]
	var event *gateway.Event
	var err error
	switch {
	case again && f.requests[key] != text:
		err = fault.New(fault.KindExists, fault.ReasonRequestIDReused, "another request")
	case !again:
		if result, event, err = happen(); err == nil {
			f.answers[key], f.requests[key] = result, text
		}
	}
	f.mu.Unlock()
	if early != nil && event != nil {
		early(*event)
	}
	if due == lostAfter {
		return gateway.Result{}, gateway.Unknown(nil)
	}
	return result, err
}

func (f *fake) move(kind gateway.MovementKind, key gateway.Key, payment string, amount money.Minor) string {
	name := fmt.Sprint("mov_", len(f.movements))
	f.movements = append(f.movements, gateway.Movement{ID: name, Kind: kind, Key: key, Payment: payment, Amount: amount, At: time.Now()})
	return name
}

func event(kind gateway.EventKind, key gateway.Key, payment string, amount money.Minor) *gateway.Event {
	return &gateway.Event{ID: "evt-" + string(kind) + string(key), Kind: kind, Key: key, Payment: payment, Amount: amount}
}

func (f *fake) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	return f.do(ctx, r.Key, r, func() (gateway.Result, *gateway.Event, error) {
		switch r.Method {
		case "tok_decline":
			return gateway.Result{Outcome: gateway.OutcomeDeclined, Decline: gateway.DeclineInsufficientFunds}, nil, nil
		case "tok_action":
			return gateway.Result{Outcome: gateway.OutcomeActionRequired, Authorization: "auth", RedirectURL: "https://bank.example"}, nil, nil
		}
		name := gateway.AuthorizationID("auth/" + string(r.Key))
		f.left[name] = r.Amount
		return gateway.Result{
			Outcome: gateway.OutcomeDone, Authorization: name, Amount: r.Amount, Currency: r.Currency,
			Movement: f.move(gateway.MovementAuthorized, r.Key, r.Payment, r.Amount), ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
		}, event(gateway.EventAuthorized, r.Key, r.Payment, r.Amount), nil
	})
}

func (f *fake) Capture(ctx context.Context, r gateway.CaptureRequest) (gateway.Result, error) {
	return f.do(ctx, r.Key, r, func() (gateway.Result, *gateway.Event, error) {
		if r.Amount > f.left[r.Authorization] {
			return gateway.Result{}, nil, fault.New(fault.KindPrecondition, fault.ReasonCaptureTooLarge, "too much")
		}
		f.left[r.Authorization] -= r.Amount
		f.captured[r.Authorization] += r.Amount
		name := f.move(gateway.MovementCaptured, r.Key, r.Payment, r.Amount)
		if rest := f.left[r.Authorization]; r.Final && rest > 0 {
			f.left[r.Authorization] = 0
			f.move(gateway.MovementReleased, r.Key, r.Payment, rest)
		}
		return gateway.Result{Outcome: gateway.OutcomeDone, Amount: r.Amount, Movement: name},
			event(gateway.EventCaptured, r.Key, r.Payment, r.Amount), nil
	})
}

func (f *fake) Void(ctx context.Context, r gateway.VoidRequest) (gateway.Result, error) {
	return f.do(ctx, r.Key, r, func() (gateway.Result, *gateway.Event, error) {
		amount := f.left[r.Authorization]
		f.left[r.Authorization] = 0
		if amount > 0 {
			f.move(gateway.MovementReleased, r.Key, r.Payment, amount)
		}
		return gateway.Result{Outcome: gateway.OutcomeDone, Amount: amount}, event(gateway.EventVoided, r.Key, r.Payment, amount), nil
	})
}

func (f *fake) Refund(ctx context.Context, r gateway.RefundRequest) (gateway.Result, error) {
	return f.do(ctx, r.Key, r, func() (gateway.Result, *gateway.Event, error) {
		if r.Amount > f.captured[r.Authorization] {
			return gateway.Result{}, nil, fault.New(fault.KindPrecondition, fault.ReasonRefundTooLarge, "too much")
		}
		f.captured[r.Authorization] -= r.Amount
		return gateway.Result{Outcome: gateway.OutcomeDone, Amount: r.Amount, Movement: f.move(gateway.MovementRefunded, r.Key, r.Payment, r.Amount)},
			event(gateway.EventRefunded, r.Key, r.Payment, r.Amount), nil
	})
}

func (f *fake) Inquire(_ context.Context, r gateway.InquireRequest) (gateway.Inquiry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch result, ok := f.answers[r.Key]; {
	case f.deaf:
		return gateway.Inquiry{}, gateway.Temporary(0, nil)
	case ok:
		return gateway.Inquiry{Fate: gateway.FateHappened, Result: result}, nil
	case f.unsure:
		return gateway.Inquiry{Fate: gateway.FateInProgress}, nil
	}
	return gateway.Inquiry{Fate: gateway.FateNeverHappened}, nil
}

func (f *fake) ParseWebhook(header http.Header, body []byte) (e gateway.Event, err error) {
	if err := gateway.VerifySignature(header.Get("Signature"), body, time.Now(), gateway.SignatureTolerance, "secret"); err != nil {
		return e, err
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, gateway.MalformedWebhook(err)
	}
	return e, nil
}

func (f *fake) Ledger(_ context.Context, r gateway.LedgerRequest) (page gateway.LedgerPage, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	page.Movements = append(page.Movements, f.movements...)
	return page, nil
}

// total sums up what the gateway moved.
func (f *fake) total(kind gateway.MovementKind) (sum money.Minor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.movements {
		if m.Kind == kind {
			sum += m.Amount
		}
	}
	return sum
}

// post gives an event as the gateway would post it at a time.
func post(e gateway.Event, at time.Time) (http.Header, []byte) {
	body, _ := json.Marshal(e) // plain fields
	return http.Header{"Signature": {gateway.Sign("secret", at, body)}}, body
}
