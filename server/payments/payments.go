// Package payments is the use cases of money, and the handlers that offer them by contract and to a
// gateway's webhooks. Every wish is recorded before the gateway is called and its outcome after;
// nothing here holds a transaction or a lock while it waits for a gateway.
package payments

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Orders is what the use cases need to know of orders.
type Orders interface {
	// Order reads one order, or fails with ORDER_NOT_FOUND.
	Order(ctx context.Context, orderID order.ID) (order.Order, error)
}

// Options are what a service works with.
type Options struct {
	Store  store.Payments
	Orders Orders
	// Gateways are the gateways that hold money, by name. A payment stays with the one it began with.
	Gateways map[string]gateway.Gateway
	// Current names the gateway of new payments.
	Current string
	Tokens  *pagetoken.Tokens
	Now     func() time.Time
	// CallTimeout bounds one call of a gateway; 0 means 30 s.
	CallTimeout time.Duration
	// Moved is told, perhaps again, that something may have happened to the money of an order, unless
	// its own sagas asked for it. May be nil.
	Moved func(ctx context.Context, orderID order.ID) error
	// Tracer makes the spans of webhooks, and TraceOf gives the traceparent that the payments of an
	// order belong to. Both nil for none.
	Tracer  trace.TracerProvider
	TraceOf func(ctx context.Context, orderID order.ID) string
}

// keyLife is how long a gateway is trusted to know a key: Stripe forgets one after 24 hours. Later
// only an inquiry tells what became of an operation.
const keyLife = 12 * time.Hour

// Service is the use cases. Make it with New; it is safe for concurrent use. Close it when nobody
// calls it any more.
type Service struct {
	Options
	Standing
	flights singleflight.Group
	running sync.WaitGroup
	answers answers  // of gateways, that webhooks repeat
	sending sync.Map // of id.UUID: operations that this process is sending just now
}

// New makes the use cases.
func New(o Options) *Service {
	if o.CallTimeout == 0 {
		o.CallTimeout = 30 * time.Second
	}
	return &Service{Options: o, Standing: Standing{o.Store}}
}

// Close waits until the gateway calls under way have been answered and recorded. It gives up when
// ctx ends: what is left is settled later.
func (s *Service) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Get reads one payment that the caller may access, and all that was asked of the gateway, oldest
// first.
func (s *Service) Get(ctx context.Context, paymentID payment.ID) (payment.Payment, []payment.Operation, error) {
	p, operations, err := s.read(ctx, paymentID)
	if err == nil {
		err = auth.CheckAccess(ctx, p.CustomerID, payment.NotFound())
	}
	if err != nil {
		return payment.Payment{}, nil, err
	}
	return p, operations, nil
}

// read is Get for ourselves, whoever calls.
func (s *Service) read(ctx context.Context, paymentID payment.ID) (payment.Payment, []payment.Operation, error) {
	p, err := s.Store.Payment(ctx, paymentID)
	if err != nil {
		return p, nil, err
	}
	operations, err := s.Store.PaymentOperations(ctx, paymentID)
	return p, operations, err
}

// tell tells that something happened to a payment.
func (s *Service) tell(ctx context.Context, p payment.Payment) error {
	if s.Moved == nil {
		return nil
	}
	return s.Moved(ctx, p.OrderID)
}

// gatewayOf gives the gateway that holds the payment.
func (s *Service) gatewayOf(name string) (gateway.Gateway, error) {
	if g, ok := s.Gateways[name]; ok {
		return g, nil
	}
	return nil, fault.New(fault.KindUnavailable, fault.ReasonGatewayUnavailable,
		"the gateway %q, which holds this payment, is not configured here", name)
}

func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// fly does something about an operation on behalf of all who ask for the same at the same time. It
// goes on when a caller goes away: an answer of the gateway is worth more than the caller's time.
func (s *Service) fly(
	ctx context.Context, operation id.UUID, fingerprint [32]byte, do func(ctx context.Context) (payment.Record, error),
) (payment.Record, error) {
	s.running.Add(1)
	results := s.flights.DoChan(string(operation[:])+string(fingerprint[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*s.CallTimeout)
		defer cancel()
		return do(ctx)
	})
	select {
	case result := <-results:
		s.running.Done()
		r, _ := result.Val.(payment.Record)
		return r, result.Err
	case <-ctx.Done():
		go func() {
			<-results
			s.running.Done()
		}()
		return payment.Record{}, ctx.Err()
	}
}
