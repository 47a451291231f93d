package payments

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Moved is what was moved of one payment, minor units.
type Moved struct {
	Authorized, Captured, Released, Refunded money.Minor
}

func (m Moved) String() string {
	return fmt.Sprintf("%d authorized, %d captured, %d released, %d refunded", m.Authorized, m.Captured, m.Released, m.Refunded)
}

// Difference is a payment of which the gateway says other than we do.
type Difference struct {
	PaymentID payment.ID
	OrderID   order.ID // zero when the payment is not here
	// Unknown: something is under way whose end only the gateway knows. Otherwise it is a violation.
	Unknown bool
	Detail  string
	Ours    Moved
	Theirs  Moved
}

// Reconciliation is what a comparison found.
type Reconciliation struct {
	Payments    int64 // of ours that were compared
	Elsewhere   int64 // of ours that another gateway holds
	Movements   int64 // of the gateway's that were read
	Foreign     int64 // of these, not of a payment of ours
	Differences []Difference
}

// reconcileRounds is how often payments that keep changing are compared again.
const reconcileRounds = 5

// clocksDiffer is how far a gateway's clock may be from ours.
const clocksDiffer = time.Hour

// Books are our ledger and a gateway's own.
type Books struct {
	Store   store.Payments
	Gateway string // its name
	Ledger  gateway.Ledger
	Now     func() time.Time
}

// Reconcile is Books.Reconcile for a gateway of the service.
func (s *Service) Reconcile(ctx context.Context, name string, since time.Time) (Reconciliation, error) {
	g, err := s.gatewayOf(name)
	if err != nil {
		return Reconciliation{}, err
	}
	return Books{Store: s.Store, Gateway: name, Ledger: g, Now: s.Now}.Reconcile(ctx, since)
}

// Reconcile compares the gateway's own ledger with ours, for payments first asked for since then; a
// zero time means all. It only reads and may run while payments are made: what changed while it read
// is compared again, and what keeps changing or is under way is listed as Unknown. It keeps a few
// numbers of every payment in memory.
func (b Books) Reconcile(ctx context.Context, since time.Time) (r Reconciliation, err error) {
	theirs, err := r.read(ctx, b.Ledger, since)
	if err != nil {
		return r, err
	}
	suspects := map[payment.ID]bool{}
	var after id.UUID
	for {
		page, err := b.Store.Payments(ctx, store.PaymentQuery{After: after, Limit: 500})
		if err != nil {
			return r, err
		}
		for _, p := range page {
			after = p.ID.UUID
			if p.Gateway != b.Gateway {
				r.Elsewhere++
			}
			if p.Gateway != b.Gateway || p.Created.Before(since) {
				delete(theirs, p.ID)
				continue
			}
			r.Payments++
			if theirs[p.ID] != movedOf(p) {
				suspects[p.ID] = true
			}
			delete(theirs, p.ID)
		}
		if len(page) == 0 {
			break
		}
	}
	for paymentID := range theirs { // the gateway has them and we have not, or not yet
		suspects[paymentID] = true
	}
	return r, b.confront(ctx, &r, suspects, since)
}

// read sums up the gateway's ledger.
func (r *Reconciliation) read(ctx context.Context, g gateway.Ledger, since time.Time) (map[payment.ID]Moved, error) {
	sums := map[payment.ID]Moved{}
	r.Movements, r.Foreign = 0, 0
	for m, err := range gateway.Movements(ctx, g, since) {
		if err != nil {
			return nil, err
		}
		r.Movements++
		paymentID, err := payment.ParseID(m.Payment)
		if err != nil {
			r.Foreign++
			continue
		}
		sum := sums[paymentID]
		switch m.Kind {
		case gateway.MovementAuthorized:
			sum.Authorized += m.Amount
		case gateway.MovementCaptured:
			sum.Captured += m.Amount
		case gateway.MovementReleased:
			sum.Released += m.Amount
		case gateway.MovementRefunded:
			sum.Refunded += m.Amount
		}
		sums[paymentID] = sum
	}
	return sums, nil
}

func movedOf(p payment.Payment) Moved { return Moved{p.Authorized, p.Captured, p.Released, p.Refunded} }

// confront compares suspects again, between two readings of ours that must agree, and what differs a few times.
func (b Books) confront(ctx context.Context, r *Reconciliation, suspects map[payment.ID]bool, since time.Time) error {
	for round := 1; len(suspects) > 0; round++ {
		before, err := b.readOurs(ctx, suspects)
		if err != nil {
			return err
		}
		var again Reconciliation
		theirs, err := again.read(ctx, b.Ledger, begin(suspects, since))
		if err != nil {
			return err
		}
		now, err := b.readOurs(ctx, suspects)
		if err != nil {
			return err
		}
		for _, paymentID := range slices.SortedFunc(maps.Keys(suspects), byID) {
			p := now[paymentID]
			changing := p.Version != before[paymentID].Version
			if changing && round < reconcileRounds {
				continue
			}
			d, differs := b.judge(paymentID, p, theirs[paymentID], changing, since)
			if differs && !d.Unknown && round < reconcileRounds {
				continue // a ledger may be a moment behind its answers
			}
			delete(suspects, paymentID)
			if differs {
				r.Differences = append(r.Differences, d)
			}
		}
		if len(suspects) == 0 {
			return nil
		}
		select {
		case <-time.After(reconcilePause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// reconcilePause is how long a difference is given to go away.
const reconcilePause = 100 * time.Millisecond

func byID(a, b payment.ID) int { return a.Compare(b.UUID) }

// begin gives the time since when the gateway can have moved anything of these payments: an id tells
// when its order began. It is not before since.
func begin(suspects map[payment.ID]bool, since time.Time) time.Time {
	oldest := slices.MinFunc(slices.Collect(maps.Keys(suspects)), byID).Time().Add(-clocksDiffer)
	if oldest.Before(since) || oldest.Unix() < 0 {
		return since
	}
	return oldest
}

// readOurs reads payments; one that is not there is zero.
func (b Books) readOurs(ctx context.Context, wanted map[payment.ID]bool) (map[payment.ID]payment.Payment, error) {
	found := make(map[payment.ID]payment.Payment, len(wanted))
	for paymentID := range wanted {
		p, err := b.Store.Payment(ctx, paymentID)
		if err != nil && fault.ReasonOf(err) != fault.ReasonPaymentNotFound {
			return nil, err
		}
		found[paymentID] = p
	}
	return found, nil
}

func (b Books) judge(paymentID payment.ID, p payment.Payment, theirs Moved, changing bool, since time.Time) (d Difference, differs bool) {
	d = Difference{PaymentID: paymentID, OrderID: p.OrderID, Ours: movedOf(p), Theirs: theirs}
	over := !p.Expires.IsZero() && p.Expires.Before(b.Now()) || p.State == payment.AuthExpired // then the gateway said so
	lapsed := over && theirs.Released != d.Ours.Released && theirs.Captured == d.Ours.Captured
	switch {
	case p.Version != 0 && p.Created.Before(since), d.Ours == theirs:
		return d, false
	case p.Version == 0:
		d.Detail = "the gateway moved money of a payment that is not here"
	case changing:
		d.Unknown, d.Detail = true, "the payment keeps changing"
	case p.UnderWay():
		d.Unknown, d.Detail = true, "an operation is under way whose end is not known"
	case lapsed:
		d.Unknown, d.Detail = true, "the authorization has lapsed, and one of the two has not booked it yet"
	case theirs.Authorized > d.Ours.Authorized, theirs.Captured > d.Ours.Captured:
		d.Detail = "the gateway took more than we know of"
	default:
		d.Detail = "the gateway's ledger and ours do not agree"
	}
	d.Detail += fmt.Sprintf(": we have %s, the gateway %s", d.Ours, theirs)
	return d, true
}
