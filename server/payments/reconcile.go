package payments

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Moved is what was moved of one payment, minor units.
type Moved struct {
	Authorized money.Minor `json:"authorized_minor"`
	Captured   money.Minor `json:"captured_minor"`
	Released   money.Minor `json:"released_minor"`
	Refunded   money.Minor `json:"refunded_minor"`
}

// Difference is a payment of which the gateway says other than we do.
type Difference struct {
	PaymentID string `json:"payment_id"`
	// Unknown: something is under way whose end only the gateway knows. Otherwise it is a violation.
	Unknown bool   `json:"unknown"`
	Detail  string `json:"detail"`
	Ours    Moved  `json:"ours"`
	Theirs  Moved  `json:"theirs"`
}

// Reconciliation is what a comparison found.
type Reconciliation struct {
	Payments    int64        `json:"payments"`  // of ours that were compared
	Movements   int64        `json:"movements"` // of the gateway's that were read
	Foreign     int64        `json:"foreign"`   // of these, not of a payment of ours
	Differences []Difference `json:"differences"`
}

// reconcileRounds is how often payments that keep changing are compared again.
const reconcileRounds = 5

// Reconcile compares the gateway's own ledger with ours, for payments first asked for since then; a
// zero time means all. It only reads and may run while payments are made: what changed while it read
// is compared again, and what keeps changing or is under way is listed as Unknown.
func (s *Service) Reconcile(ctx context.Context, name string, since time.Time) (r Reconciliation, err error) {
	r.Differences = []Difference{}
	g, err := s.gatewayOf(name)
	if err != nil {
		return r, err
	}
	theirs, err := r.read(ctx, g, since)
	if err != nil {
		return r, err
	}
	suspects := map[payment.ID]bool{}
	var after id.UUID
	for {
		page, err := s.Store.Payments(ctx, store.PaymentQuery{After: after, Limit: 500})
		if err != nil {
			return r, err
		}
		for _, p := range page {
			after = p.ID.UUID
			if p.Gateway != name || p.Created.Before(since) {
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
	return r, s.confront(ctx, g, &r, suspects, since)
}

// read sums up the gateway's ledger.
func (r *Reconciliation) read(ctx context.Context, g gateway.Gateway, since time.Time) (map[payment.ID]Moved, error) {
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

// confront compares suspects again, between two readings of ours that must agree.
func (s *Service) confront(
	ctx context.Context, g gateway.Gateway, r *Reconciliation, suspects map[payment.ID]bool, since time.Time,
) error {
	for round := 1; len(suspects) > 0; round++ {
		before, err := s.readOurs(ctx, suspects)
		if err != nil {
			return err
		}
		var again Reconciliation
		theirs, err := again.read(ctx, g, since)
		if err != nil {
			return err
		}
		now, err := s.readOurs(ctx, suspects)
		if err != nil {
			return err
		}
		for _, paymentID := range slices.SortedFunc(maps.Keys(suspects), func(a, b payment.ID) int { return a.Compare(b.UUID) }) {
			p := now[paymentID]
			changing := p.Version != before[paymentID].Version
			if changing && round < reconcileRounds {
				continue
			}
			delete(suspects, paymentID)
			if d, differs := s.judge(paymentID, p, theirs[paymentID], changing, since); differs {
				r.Differences = append(r.Differences, d)
			}
		}
	}
	return nil
}

// readOurs reads payments; one that is not there is zero.
func (s *Service) readOurs(ctx context.Context, wanted map[payment.ID]bool) (map[payment.ID]payment.Payment, error) {
	found := make(map[payment.ID]payment.Payment, len(wanted))
	for paymentID := range wanted {
		p, err := s.Store.Payment(ctx, paymentID)
		if err != nil && fault.ReasonOf(err) != fault.ReasonPaymentNotFound {
			return nil, err
		}
		found[paymentID] = p
	}
	return found, nil
}

func (s *Service) judge(paymentID payment.ID, p payment.Payment, theirs Moved, changing bool, since time.Time) (d Difference, differs bool) {
	d = Difference{PaymentID: paymentID.String(), Ours: movedOf(p), Theirs: theirs}
	lapsed := !p.Expires.IsZero() && p.Expires.Before(s.Now()) && theirs.Released > d.Ours.Released
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
		d.Unknown, d.Detail = true, "the authorization has lapsed and the gateway has not told yet"
	case theirs.Authorized > d.Ours.Authorized, theirs.Captured > d.Ours.Captured:
		d.Detail = "the gateway took more than we know of"
	default:
		d.Detail = "the gateway's ledger and ours do not agree"
	}
	return d, true
}
