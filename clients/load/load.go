// Package load offers a running server calls as a crowd does: they come at random times whose mean is
// set, whether or not the server keeps up, and what each took is counted from when it was due. At the
// end every order that was acknowledged is looked for. Flags and printing are left to the command.
package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	client "github.com/orderprocessing/orderprocessing/clients/go"
)

// Options say what is offered. All but OnProgress and Verify are needed; [Options.Validate] says what
// each may be.
type Options struct {
	// Run names the load, and no other: the numbers and request ids of its orders begin with it.
	Run string
	// Stages follow each other without a pause.
	Stages []Stage
	// Mix is what the calls are.
	Mix Mix
	// Customers and Products are how many there are to choose from. The first are chosen most often.
	Customers, Products int
	// Skew is how much more often: the exponent of a Zipf distribution, above 1; the nearer to 1, the more even.
	Skew float64
	// InFlight is how many calls are under way at once, at most. A call that is due when as many are is
	// counted as unsent, and never made.
	InFlight int
	// Connections are what the calls are spread over.
	Connections int
	// Timeout is how long a call may take from when it was sent.
	Timeout time.Duration
	// PaymentMethod is what orders are paid with.
	PaymentMethod string
	// Verify asks the server at the end to check everything stored, which takes an operator's token.
	Verify bool
	// OnProgress is told now and then how far it is, by one goroutine.
	OnProgress func(Summary)
}

// Stage offers so many calls a second, for so long.
type Stage struct {
	Rate     float64
	Duration time.Duration
}

// Dial connects to the server. It is called several times, for connections of their own.
type Dial func(...client.Option) (*client.Client, error)

// patience is how long a call may take that is not part of the load.
const patience = time.Minute

// Run stocks the products, offers the calls, and looks at what is stored then. The summary is right
// also when there is an error: of the context, which ends the load early, or of a server that cannot
// be used at all. Calls that fail are counted, and end nothing.
func Run(ctx context.Context, dial Dial, opts Options) (Summary, error) {
	if err := opts.Validate(); err != nil {
		return Summary{}, err
	}
	r := &run{Options: opts, tally: newTally(opts), ledger: newLedger(opts.Run)}
	stop := r.tally.report(opts.OnProgress)
	err := r.all(ctx, dial)
	stop()
	return r.tally.summary(), err
}

// run is one load.
type run struct {
	Options
	tally  *tally
	ledger *ledger
}

func (r *run) all(ctx context.Context, dial Dial) error {
	steady, err := dial(client.WithTimeout(patience))
	if err != nil {
		return err
	}
	defer steady.Close()
	if err := r.stock(ctx, steady); err != nil {
		return fmt.Errorf("put goods on the shelf: %w", err)
	}
	var clients []*client.Client
	for range r.Connections {
		c, err := dial(client.WithoutRetries(), client.WithTimeout(r.Timeout))
		if err != nil {
			return err
		}
		defer c.Close()
		clients = append(clients, c)
	}
	r.offer(ctx, newCrowd(r, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))), clients) //nolint:gosec // any will do
	r.tally.end(time.Now())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	found, err := r.ledger.check(ctx, steady, r.tally.began)
	if err != nil {
		return fmt.Errorf("look for the orders: %w", err)
	}
	r.tally.checked(found)
	if r.Verify {
		violations, err := verify(ctx, steady)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		r.tally.verified(violations)
	}
	return nil
}
