package simulator

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

const (
	maxBody      = 64 << 10
	pageLimit    = 500
	maxPageLimit = 5000
	// webhookFirstWait is how long an answer waits for its webhook, at most.
	webhookFirstWait = 2 * time.Second
)

func (s *Simulator) routes() http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("POST "+pathOperations, s.operate)
	api.HandleFunc("GET "+pathOperations, s.inquire)
	api.HandleFunc("GET "+pathMovements, s.movements)
	api.HandleFunc("GET "+pathFaults, s.getFaults)
	api.HandleFunc("PUT "+pathFaults, s.putFaults)
	all := http.NewServeMux()
	all.HandleFunc("GET "+pathAuthenticate+"{id}", s.authenticationPage)
	all.HandleFunc("POST "+pathAuthenticate+"{id}", s.authenticate) // the customer has no API key
	all.Handle("/", s.authorized(api))
	return all
}

// authorized lets in who has the API key.
func (s *Simulator) authorized(next http.Handler) http.Handler {
	want := []byte("Bearer " + s.options.APIKey)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.APIKey != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			problem(w, fault.New(fault.KindUnauthenticated, fault.ReasonGatewayMisconfigured, "the API key is wrong"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// flush writes a batch of commands.
func (s *Simulator) flush(ctx context.Context, batch []command) []coalesce.Result[reply] {
	results := make([]coalesce.Result[reply], len(batch))
	replies, refused, err := s.book.write(ctx, batch)
	if err != nil {
		s.options.Log.Error("the gateway simulator cannot write", "error", err)
	}
	for i := range batch {
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i] = coalesce.Result[reply]{Value: replies[i], Err: refused[i]}
	}
	s.courier.wake()
	return results
}

// operate does one operation, or what a fault makes of it.
func (s *Simulator) operate(w http.ResponseWriter, r *http.Request) {
	var q operationRequest
	if err := decode(w, r, &q); err != nil {
		problem(w, err)
		return
	}
	if err := q.check(); err != nil {
		problem(w, err)
		return
	}
	trouble := s.trouble(&q)
	if !s.before(w, r, trouble) {
		return
	}
	leave := s.inflight.enter(string(q.Key))
	// What was received is done, even if its caller goes away: nobody has to wonder.
	done, err := s.writer.Do(context.WithoutCancel(r.Context()), command{Operation: q.Operation, request: &q, fault: trouble})
	leave()
	if err != nil {
		problem(w, err)
		return
	}
	if trouble == faultErrorAfter {
		http.Error(w, "the simulator was told to fail", http.StatusInternalServerError)
		return
	}
	s.after(r, trouble, done.event)
	answer(w, done.row.result(&done.account, publicURL(r)))
}

// trouble picks the fault that strikes a request.
func (s *Simulator) trouble(q *operationRequest) string {
	if chance := s.rates.Load().draw(); chance != faultNone {
		return chance
	}
	name := faultOf(q)
	if strikesOnce(name) && !s.struck.first(string(q.Key)) {
		return faultNone
	}
	return name
}

// before misbehaves before anything is done. It is false when the answer is given.
func (s *Simulator) before(w http.ResponseWriter, r *http.Request, trouble string) bool {
	switch trouble {
	case faultTimeoutBefore:
		s.hang(r)
	case faultErrorBefore:
		http.Error(w, "the simulator was told to fail", http.StatusInternalServerError)
		return false
	case faultRefused:
		problem(w, gateway.Temporary(time.Second, nil))
		return false
	case faultUnavailable:
		problem(w, gateway.Temporary(0, nil))
		return false
	}
	return true
}

// after delays the answer, or drops it, after it is done.
func (s *Simulator) after(r *http.Request, trouble, event string) {
	switch trouble {
	case faultTimeoutAfter:
		s.hang(r)
	case faultSlow:
		wait(r.Context(), s.options.SlowFor, nil)
	case faultWebhookFirst:
		if event == "" || s.options.WebhookURL == "" {
			return
		}
		delivered, forget := s.courier.delivered(r.Context(), event)
		defer forget()
		wait(r.Context(), webhookFirstWait, delivered)
	}
}

// hang holds a request without an answer, and drops the connection in the end.
func (s *Simulator) hang(r *http.Request) {
	wait(r.Context(), s.options.HangFor, nil)
	panic(http.ErrAbortHandler)
}

func wait(ctx context.Context, d time.Duration, other <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-other:
	}
}

// inquire tells what became of an operation.
func (s *Simulator) inquire(w http.ResponseWriter, r *http.Request) {
	if chance := s.rates.Load().draw(); !s.before(w, r, chance) {
		return
	}
	key := r.URL.Query().Get("key")
	busy := s.inflight.has(key) // before looking: it may end in between
	found, account, err := s.book.find(r.Context(), key)
	switch {
	case err != nil:
		problem(w, err)
	case found != nil:
		answer(w, inquiryMessage{Fate: gateway.FateHappened, Result: found.result(account, publicURL(r))})
	case busy:
		answer(w, inquiryMessage{Fate: gateway.FateInProgress})
	default:
		answer(w, inquiryMessage{Fate: gateway.FateNeverHappened})
	}
}

// movements gives a page of the ledger.
func (s *Simulator) movements(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	after, _ := strconv.ParseInt(values.Get("cursor"), 36, 64)
	if since, err := strconv.ParseInt(values.Get("since"), 10, 64); err == nil {
		after = max(after, since-1)
	}
	limit, _ := strconv.Atoi(values.Get("limit"))
	if limit <= 0 {
		limit = pageLimit
	}
	found, next, err := s.book.ledger(r.Context(), after, min(limit, maxPageLimit))
	if err != nil {
		problem(w, err)
		return
	}
	m := ledgerMessage{Movements: found}
	if next != 0 {
		m.Next = strconv.FormatInt(next, 36)
	}
	answer(w, m)
}

func (s *Simulator) getFaults(w http.ResponseWriter, _ *http.Request) { answer(w, s.rates.Load()) }

func (s *Simulator) putFaults(w http.ResponseWriter, r *http.Request) {
	var rates Rates
	err := decode(w, r, &rates)
	if err == nil {
		err = s.SetRates(rates)
	}
	if err != nil {
		problem(w, err)
		return
	}
	answer(w, rates)
}
