// Package orders is the use cases of orders, their parcels and returns, and the handlers that offer
// them by contract. It loads, lets the domain decide, and stores; it knows no database and no
// transport outside of its handler and convert files.
package orders

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/domain/stock"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Storage is what the use cases need of a store.
type Storage interface {
	store.Orders
	store.Returns
	store.Risks
	store.Erasures
}

// Reads is what those read who only look: what they get may be a little older than what is stored.
type Reads interface {
	Order(ctx context.Context, orderID order.ID) (order.Order, error)
	Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error)
}

// Stock is what the use cases need to know of stock.
type Stock interface {
	// MayCommitStock tells whether the goods may leave the shelf for this order.
	MayCommitStock(ctx context.Context, orderID order.ID, demands []stock.Demand, r store.Request) error
}

// Payments is what the use cases need to know of money.
type Payments interface {
	// Refundable is what was taken for an order and not given back yet.
	Refundable(ctx context.Context, orderID order.ID) (money.Minor, error)
}

// People is what the use cases need to know of who acts as a customer.
type People interface {
	// EraseCustomer removes the users and API keys that act as a customer, and tells how many.
	EraseCustomer(ctx context.Context, customerID string) (users, keys int, err error)
}

// Replicas gives what may be read from replicas of the shards.
type Replicas interface {
	At(c store.Consistency) store.Reads
}

// Options are what a service works with.
type Options struct {
	Store    Storage
	Reads    Reads // nil for the store
	Stock    Stock
	People   People
	Payments Payments // nil when there is no gateway: nothing can be given back then
	Tokens   *pagetoken.Tokens
	Now      func() time.Time
	Replicas Replicas // nil when there are none: every read is fully consistent then
	// PaymentMoved is told that something may have happened to the money of an order. Nil when there is
	// no gateway.
	PaymentMoved func(ctx context.Context, orderID order.ID) error
	Hub          *Hub // wakes those who watch; nil for one of the service's own
	// MayAmend tells whether the lines of a confirmed order of this customer may be changed for now. Nil for
	// always. It asks nobody outside of the process.
	MayAmend func(ctx context.Context, customerID string) bool
}

// Service is the use cases. Make it with New; it is safe for concurrent use.
type Service struct{ Options }

// New makes the use cases. Their changes tell the hub.
func New(o Options) *Service {
	if o.Hub == nil {
		o.Hub = NewHub()
	}
	o.Store = o.Hub.Over(o.Store)
	if o.Reads == nil {
		o.Reads = o.Store
	}
	return &Service{Options: o}
}

// at gives where to read from what has no copies.
func (s *Service) at(c store.Consistency) store.Reads {
	if s.Replicas == nil || c.Freshness <= store.FullyConsistent {
		return s.Store
	}
	return s.Replicas.At(c)
}

// shown gives where to read orders from that are shown, not decided on.
func (s *Service) shown(c store.Consistency) Reads {
	if c.Freshness == store.Current || c.Freshness == store.MinimalLatency && s.Replicas == nil {
		return s.Reads
	}
	return s.at(c)
}

// Get shows one order that the caller may access.
func (s *Service) Get(ctx context.Context, c store.Consistency, orderID order.ID) (order.Order, error) {
	return s.accessible(ctx, s.shown(c), orderID)
}

// current reads one order that the caller may access as it stands.
func (s *Service) current(ctx context.Context, orderID order.ID) (order.Order, error) {
	return s.accessible(ctx, s.Store, orderID)
}

func (s *Service) accessible(ctx context.Context, from Reads, orderID order.ID) (order.Order, error) {
	o, err := from.Order(ctx, orderID)
	if err == nil {
		err = auth.CheckAccess(ctx, o.CustomerID, order.NotFound())
	}
	if err != nil {
		return order.Order{}, err
	}
	return o, nil
}

// NotePayment lets an order know that something may have happened to its money. Without a gateway
// nothing can.
func (s *Service) NotePayment(ctx context.Context, orderID order.ID) error {
	if s.PaymentMoved == nil {
		return nil
	}
	return s.PaymentMoved(ctx, orderID)
}

// GetReturn reads one return that the caller may access.
func (s *Service) GetReturn(ctx context.Context, c store.Consistency, returnID order.ReturnID) (order.Return, error) {
	r, err := s.at(c).Return(ctx, returnID)
	if err == nil {
		err = auth.CheckAccess(ctx, r.CustomerID, order.ReturnNotFound())
	}
	if err != nil {
		return order.Return{}, err
	}
	return r, nil
}

// checkAccess fails as if the order were not there unless the caller may access it. Whatever reads or
// changes something of an order by its id begins with it. It reads the order only for a customer; whose
// an order is never changes.
func (s *Service) checkAccess(ctx context.Context, c store.Consistency, orderID order.ID) error {
	if auth.CallerFrom(ctx).AccessesAll() {
		return nil
	}
	_, err := s.accessible(ctx, s.at(c), orderID)
	return err
}

// Assessment reads what is odd about an order; the zero Assessment when nothing was noted.
func (s *Service) Assessment(ctx context.Context, orderID order.ID) (risk.Assessment, error) {
	if _, err := s.current(ctx, orderID); err != nil {
		return risk.Assessment{}, err
	}
	return s.Store.Assessment(ctx, orderID)
}
