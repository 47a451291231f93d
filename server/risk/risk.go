// Package risk looks at new orders: it gathers what is known about the customer, lets the rules
// (server/domain/risk) judge, and keeps what was odd. What a judgement leads to is up to the caller.
package risk

import (
	"cmp"
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// Store is what the service needs of storage.
type Store interface {
	store.Risks
	Orders(ctx context.Context, q store.OrderQuery) ([]order.Order, error)
}

// Options make a service.
type Options struct {
	Store  Store
	Rules  risk.Rules
	NoteAt int // the score from which an assessment is kept; not above Rules.HoldAt
	// Mode tells what odd orders of a customer lead to; the customer is the order's id for a guest. Nil for
	// Enforce.
	Mode func(ctx context.Context, customer string) Mode
	Now  func() time.Time
}

// Mode is what odd orders lead to.
type Mode string

// The modes.
const (
	Enforce Mode = "enforce" // they are held or rejected
	Shadow  Mode = "shadow"  // that is only noted
	Off     Mode = "off"     // nobody looks
)

func (s *Service) modeOf(ctx context.Context, o order.Order) Mode {
	if s.options.Mode == nil {
		return Enforce
	}
	return s.options.Mode(ctx, cmp.Or(o.CustomerID, o.ID.String()))
}

// Service assesses orders. Make it with New; it is safe for concurrent use.
type Service struct{ options Options }

// New makes a service.
func New(o Options) *Service { return &Service{options: o} }

// Assess tells what is odd about an order, and what that leads to. One that is kept stays as it is,
// so a repeat leads to the same. It costs two reads of the order's shard, and a write when it is odd.
func (s *Service) Assess(ctx context.Context, o order.Order) (risk.Assessment, error) {
	mode := s.modeOf(ctx, o)
	if mode == Off {
		return risk.Assessment{OrderID: o.ID, Outcome: risk.Pass}, nil
	}
	kept, err := s.options.Store.Assessment(ctx, o.ID)
	if err != nil || !kept.OrderID.IsZero() {
		return kept, err
	}
	made, err := s.judge(ctx, o, mode)
	if err != nil || made.Score < s.options.NoteAt {
		return made, err
	}
	return s.options.Store.SaveAssessment(ctx, made)
}

// Judge assesses an order as it reads now, whatever was said of it before. What is kept of it stays.
func (s *Service) Judge(ctx context.Context, o order.Order) (risk.Assessment, error) {
	mode := s.modeOf(ctx, o)
	if mode == Off {
		return risk.Assessment{OrderID: o.ID, Outcome: risk.Pass}, nil
	}
	made, err := s.judge(ctx, o, mode)
	if err == nil && made.Score >= s.options.NoteAt {
		_, err = s.options.Store.SaveAssessment(ctx, made)
	}
	return made, err
}

func (s *Service) judge(ctx context.Context, o order.Order, mode Mode) (risk.Assessment, error) {
	facts, err := s.facts(ctx, o)
	if err != nil {
		return risk.Assessment{}, err
	}
	rules := s.options.Rules
	rules.Shadow = mode == Shadow
	made := rules.Assess(facts)
	made.OrderID, made.Created = o.ID, s.options.Now().UTC().Truncate(time.Microsecond)
	return made, nil
}

// facts reads what the customer ordered before. Nobody knows what a guest did.
func (s *Service) facts(ctx context.Context, o order.Order) (risk.Facts, error) {
	if o.CustomerID == "" {
		return risk.FactsOf(o, nil)
	}
	earlier, err := s.options.Store.Orders(ctx, store.OrderQuery{
		CustomerID: o.CustomerID, After: o.ID.UUID, Limit: s.options.Rules.History(),
	})
	if err != nil {
		return risk.Facts{}, err
	}
	return risk.FactsOf(o, earlier)
}
