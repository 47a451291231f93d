package payments

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/contract"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// List reads a page of the payments that the caller may access, and gives the token of the next one,
// empty on the last.
func (s *Service) List(ctx context.Context, p contract.Page, q store.PaymentQuery) ([]payment.Payment, string, error) {
	var err error
	if q.CustomerID, err = auth.CallerFrom(ctx).Narrow(q.CustomerID); err != nil {
		return nil, "", err
	}
	position, err := s.Tokens.Read(p.List, p.Token)
	if err != nil {
		return nil, "", err
	}
	copy(q.After[:], position)
	q.Limit = p.Size + 1 // one more than is given, to know whether another page follows
	found, err := s.Store.Payments(ctx, q)
	if err != nil || len(found) <= p.Size {
		return found, "", err
	}
	found = found[:p.Size]
	last := found[len(found)-1].ID
	return found, s.Tokens.Make(p.List, last.UUID[:]), nil
}
