// Package replay places the history of another shop as live orders of a running server: stocked, placed,
// confirmed, shipped, delivered, and what was canceled then as a return. It reads the files as the
// importer does. Flags, bars and printing are left to the command.
package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	"github.com/orderprocessing/orderprocessing/clients/importer"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// Options changes how documents are replayed. Run is needed; the rest may be zero.
type Options struct {
	// Run names the replay. Repeated under the same name, with the same files and options, it changes
	// nothing that it has done before and goes on where it stopped.
	Run string
	// PaymentMethods are what orders are paid with, each with the next. None for tok_ok.
	PaymentMethods []string
	// Rate bounds the orders that are placed in a second. 0 for no bound.
	Rate float64
	// Concurrency is how many documents are under way at once. 0 for 64.
	Concurrency int
	// Limit is how many documents are read. 0 for all.
	Limit int64
	// Confirmed leaves orders as soon as they are confirmed: nothing is shipped, and nothing comes back.
	Confirmed bool
	// RetryFor is how long the server may be away before the replay gives up. 0 for a minute.
	RetryFor time.Duration
	// Patience is how long an order may take from one step to the next. 0 for five minutes.
	Patience time.Duration
	// OnProgress is told now and then how far it is, by one goroutine.
	OnProgress func(Summary)
}

// Run replays the documents that open gives, which is called twice and whose readers are closed: what
// they sell is stocked first. The summary is right also when there is an error: of the files
// (*importer.FileError), of the context, or of a server that was away for too long. What the server
// refuses is counted, and ends nothing.
func Run(ctx context.Context, c *client.Client, open func() (*importer.Reader, error), opts Options) (Summary, error) {
	if len(opts.PaymentMethods) == 0 {
		opts.PaymentMethods = []string{"tok_ok"}
	}
	opts.Concurrency = max(cmp.Or(opts.Concurrency, 64), 1)
	opts.RetryFor = cmp.Or(opts.RetryFor, time.Minute)
	opts.Patience = cmp.Or(opts.Patience, 5*time.Minute)
	r := &run{client: c, open: open, Options: opts, tally: newTally(opts.Run), shelves: newShelves()}
	stop := r.tally.report(opts.OnProgress)
	err := r.stock(ctx)
	if err == nil {
		err = r.play(ctx)
	}
	stop()
	return r.tally.summary(err == nil), err
}

// run is one replay.
type run struct {
	Options
	client  *client.Client
	open    func() (*importer.Reader, error)
	tally   *tally
	shelves *shelves
}

// play sends each document on its way, in the order of the files.
func (r *run) play(ctx context.Context) error {
	pace := rate.NewLimiter(rate.Inf, 1)
	if r.Rate > 0 {
		pace.SetLimit(rate.Limit(r.Rate))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.Concurrency)
	r.tally.begin()
	err := r.each(func(doc *importer.Document, converted *ordersv1.ImportDocument) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if back := converted.GetReturn(); back != nil {
			// What comes back from which order is decided here, in the order of the files, so that it is
			// the same whenever the replay is repeated.
			parts := r.shelves.take(back)
			group.Go(func() error { return r.giveBack(ctx, doc, parts) })
			return nil
		}
		sale := r.shelves.add(converted.GetOrder().GetOrder())
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		group.Go(func() error { return r.sell(ctx, doc, sale) })
		return nil
	}, r.tally.rejected)
	if waited := group.Wait(); waited != nil {
		return waited // the first to fail ends the reading too
	}
	return err
}

// each reads the documents and converts them. refused, which may be nil, hears of those that cannot be
// replayed.
func (r *run) each(take func(*importer.Document, *ordersv1.ImportDocument) error, refused func(reason string)) (err error) {
	docs, err := r.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, docs.Close()) }()
	for n := int64(0); r.Limit == 0 || n < r.Limit; n++ {
		doc, err := docs.Next()
		if err != nil {
			return ignoreEOF(err)
		}
		converted, problem := importer.Convert(doc)
		if problem == nil {
			err = take(doc, converted)
		} else if refused != nil {
			refused(problem.Reason)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// request names a request of this run, the same whenever it is repeated.
func (r *run) request(parts ...any) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%q %q", r.Run, fmt.Sprintln(parts...))).String()
}
