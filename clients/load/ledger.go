package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// errWrong is an answer that is not what was asked for.
var errWrong = errors.New("the answer is not what was asked for")

// placed is an order that was acknowledged.
type placed struct {
	id       string
	total    int64
	canceled bool
	seen     bool
}

// ledger is what was acknowledged. It is safe for concurrent use.
type ledger struct {
	prefix string // of the numbers of orders

	mu       sync.Mutex
	byNumber map[int]*placed
	all      []*placed
	tried    int // of all: who was to be canceled
}

func newLedger(run string) *ledger {
	return &ledger{prefix: "load-" + run + "-", byNumber: map[int]*placed{}}
}

func (l *ledger) number(n int) string { return l.prefix + strconv.Itoa(n) }

func (l *ledger) acknowledged(number int, id string, total int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := &placed{id: id, total: total}
	l.byNumber[number] = o
	l.all = append(l.all, o)
}

// any gives one of the orders; nil while there is none.
func (l *ledger) any(random *rand.Rand) *placed {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return nil
	}
	return l.all[random.IntN(len(l.all))]
}

// nextToCancel gives the oldest order that it has not given before; nil while there is none.
func (l *ledger) nextToCancel() *placed {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tried == len(l.all) {
		return nil
	}
	l.tried++
	return l.all[l.tried-1]
}

func (l *ledger) canceled(o *placed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o.canceled = true
}

// clockSkew is how far the server's clock may be behind ours.
const clockSkew = 10 * time.Minute

// check reads every order of the run and compares it with what was acknowledged. It is called when no
// call is under way.
func (l *ledger) check(ctx context.Context, c *client.Client, began time.Time) (found Check, err error) {
	stream, err := c.Orders.ExportOrders(ctx, &ordersv1.ExportOrdersRequest{CreateTimeFrom: timestamppb.New(began.Add(-clockSkew))})
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	found.Acknowledged = int64(len(l.all))
	unanswered := map[int]bool{}
	for stream.Receive() {
		for _, o := range stream.Msg().GetOrders() {
			text, ours := strings.CutPrefix(o.GetNumber(), l.prefix)
			if !ours {
				continue
			}
			number, err := strconv.Atoi(text)
			if err != nil {
				return found, fmt.Errorf("order %s has the number %q, which no load gave it", o.GetId(), o.GetNumber())
			}
			if want := l.byNumber[number]; want != nil {
				found.compare(want, o)
			} else if unanswered[number] {
				found.Doubled++
			} else {
				unanswered[number] = true
			}
		}
	}
	found.Unanswered = int64(len(unanswered))
	for _, o := range l.all {
		if !o.seen {
			found.Lost++
		}
	}
	return found, stream.Err()
}

// compare holds an order that is stored against what was acknowledged.
func (f *Check) compare(want *placed, o *ordersv1.Order) {
	canceled := o.GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_CANCELING || o.GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_CANCELED
	switch {
	case want.seen, o.GetId() != want.id:
		f.Doubled++
		return
	case o.GetTotalMinor() != want.total, want.canceled && !canceled:
		f.Wrong++
	default:
		f.Right++
	}
	want.seen = true
}
