// Package simulator is a bank for development, tests and chaos: a small HTTP server with its own
// durable ledger, and a client that speaks with it as a gateway.Gateway. It keeps every promise of
// that interface, survives being killed, and misbehaves when it is told to.
//
// # Faults by token
//
// A payment method tok_<fault> makes the authorization misbehave; tok_capture_<fault>,
// tok_void_<fault> and tok_refund_<fault> let it pass and make that operation misbehave. A token
// that does not begin with tok_ is good.
//
//	tok_ok                       authorized
//	tok_declined                 declined: DECLINED
//	tok_insufficient_funds       declined: INSUFFICIENT_FUNDS
//	tok_expired_method           declined: EXPIRED_METHOD
//	tok_suspected_fraud          declined: SUSPECTED_FRAUD
//	tok_authentication_required  action required; POST outcome=succeed or fail to the redirect URL
//	tok_timeout_before           no answer, and it does not happen   (*)
//	tok_timeout_after            no answer, though it happened       (*)
//	tok_error_500                500, and it does not happen         (*)
//	tok_error_500_after          500, though it happened             (*)
//	tok_refused                  429 with Retry-After: 1             (*)
//	tok_unavailable              503, always
//	tok_slow                     answered after Options.SlowFor      (*)
//	tok_duplicate_webhook        its webhook is sent twice
//	tok_webhook_first            its webhook is delivered before the answer
//	tok_webhook_lost             its webhook is never sent
//	tok_expires_soon             authorized for a second only
//
// (*) strikes the first request of a key since the simulator started; sending it again works.
//
// # Faults by amount
//
// Who cannot choose a token authorizes 90000001 minor units and so on: the faults in the order of
// the list above, from tok_declined = 90000001 to tok_expires_soon = 90000016.
//
// # Faults by chance
//
// PUT /control/faults sets the fraction of all requests that a fault strikes; see Rates.
package simulator

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

const (
	maxBatch = 256
	maxQueue = 4096
)

// Options say how a simulator behaves. Only Database is needed.
type Options struct {
	Database       string        // URL of its SQLite file, such as sqlite:data/gateway.db
	APIKey         string        // what clients must send as bearer token; empty lets all in
	WebhookURL     string        // where events go; empty sends none
	WebhookHandler http.Handler  // takes the events in this process, in place of WebhookURL
	WebhookSecret  string        // signs the events
	ExpiresAfter   time.Duration // of authorizations; 0 means 7 days
	SlowFor        time.Duration // how long slow answers take; 0 means 2 s
	HangFor        time.Duration // how long a request without answer is held, at most; 0 means 30 s
	SweepEvery     time.Duration // how often expired authorizations are looked for; 0 means 1 min
	Now            func() time.Time
	Log            *slog.Logger
}

// Simulator is a running bank. It is safe for concurrent use.
type Simulator struct {
	options  Options
	database *database.Database
	book     *book
	writer   *coalesce.Writer[command, reply]
	courier  *courier
	inflight inflight
	struck   struck
	rates    atomic.Pointer[Rates]
	handler  http.Handler
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// New opens the ledger, or makes it, and starts to deliver webhooks that wait. Close ends it.
func New(ctx context.Context, options Options) (*Simulator, error) {
	options = options.withDefaults()
	db, err := database.Open(ctx, options.Database, database.Options{})
	if err != nil {
		return nil, err
	}
	b, err := openBook(ctx, db, options)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Simulator{options: options, database: db, book: b}
	s.rates.Store(&Rates{})
	s.writer = coalesce.New(s.flush, maxBatch, maxQueue, nil)
	s.courier = newCourier(db, options)
	s.handler = s.routes()
	work, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.courier.run(work) })
	s.running.Go(func() { s.sweep(work) })
	return s, nil
}

// Handler serves the bank's API over HTTP.
func (s *Simulator) Handler() http.Handler { return s.handler }

// Close writes what was accepted, stops delivering, and closes the ledger. Webhooks that wait are
// delivered after the next start. Nobody may use the handler any more.
func (s *Simulator) Close(ctx context.Context) error {
	s.stop()
	s.writer.Close(ctx)
	s.running.Wait()
	return errors.Join(s.book.close(), s.database.Close())
}

// sweep expires what is due, again and again.
func (s *Simulator) sweep(ctx context.Context) {
	ticker := time.NewTicker(s.options.SweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.Expire(ctx); err != nil && ctx.Err() == nil {
				s.options.Log.Warn("the gateway simulator cannot expire authorizations", "error", err)
			}
		}
	}
}

// Expire releases every authorization that is past its time now.
func (s *Simulator) Expire(ctx context.Context) error {
	for {
		due, err := s.book.due(ctx, s.options.Now())
		if err != nil || len(due) == 0 {
			return err
		}
		for _, seq := range due {
			if _, err := s.writer.Do(ctx, command{Operation: operationExpire, account: seq}); err != nil {
				return err
			}
		}
	}
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		option    *time.Duration
		otherwise time.Duration
	}{
		{&o.ExpiresAfter, 7 * 24 * time.Hour},
		{&o.SlowFor, 2 * time.Second},
		{&o.HangFor, 30 * time.Second},
		{&o.SweepEvery, time.Minute},
	} {
		if *d.option == 0 {
			*d.option = d.otherwise
		}
	}
	if o.WebhookHandler != nil {
		o.WebhookURL = "http://shop.invalid/"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
