package orders

import (
	"context"
	"encoding/binary"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// List shows a page of the orders that the caller may access, and gives the token of the next one,
// empty on the last.
func (s *Service) List(ctx context.Context, c store.Consistency, p contract.Page, q store.OrderQuery) (_ []order.Order, _ string, err error) {
	if q.CustomerID, err = auth.CallerFrom(ctx).Narrow(q.CustomerID); err != nil {
		return nil, "", err
	}
	return page(s, p, func(after id.UUID, limit int) ([]order.Order, error) {
		q.After, q.Limit = after, limit
		return s.shown(c).Orders(ctx, q)
	}, func(o order.Order) id.UUID { return o.ID.UUID })
}

// ListReturns is as List, of returns.
func (s *Service) ListReturns(ctx context.Context, c store.Consistency, p contract.Page, q store.ReturnQuery) (_ []order.Return, _ string, err error) {
	if q.CustomerID, err = auth.CallerFrom(ctx).Narrow(q.CustomerID); err != nil {
		return nil, "", err
	}
	return page(s, p, func(after id.UUID, limit int) ([]order.Return, error) {
		q.After, q.Limit = after, limit
		return s.at(c).Returns(ctx, q)
	}, func(r order.Return) id.UUID { return r.ID.UUID })
}

// page reads one more than it gives, to know whether another page follows.
func page[T any](
	s *Service, p contract.Page, read func(after id.UUID, limit int) ([]T, error), key func(T) id.UUID,
) ([]T, string, error) {
	position, err := s.Tokens.Read(p.List, p.Token)
	if err != nil {
		return nil, "", err
	}
	var after id.UUID
	copy(after[:], position)
	items, err := read(after, p.Size+1)
	if err != nil || len(items) <= p.Size {
		return items, "", err
	}
	items = items[:p.Size]
	last := key(items[len(items)-1])
	return items, s.Tokens.Make(p.List, last[:]), nil
}

// Events reads a page of what happened to an order and gives the token of the next one, empty on
// the last.
func (s *Service) Events(ctx context.Context, c store.Consistency, p contract.Page, orderID order.ID) ([]order.Event, string, error) {
	if err := s.checkAccess(ctx, c, orderID); err != nil {
		return nil, "", err
	}
	position, err := s.Tokens.Read(p.List, p.Token)
	if err != nil {
		return nil, "", err
	}
	var after int64
	if len(position) == 8 {
		after = int64(binary.BigEndian.Uint64(position)) //nolint:gosec // a sequence
	}
	events, err := s.at(c).OrderEvents(ctx, orderID, after, p.Size+1)
	if err != nil || len(events) <= p.Size {
		return events, "", err
	}
	events = events[:p.Size]
	last := binary.BigEndian.AppendUint64(nil, uint64(events[len(events)-1].Sequence)) //nolint:gosec // a sequence
	return events, s.Tokens.Make(p.List, last), nil
}
