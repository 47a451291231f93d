package orders

import (
	"context"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/server/consistency"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// demand reads how fresh the caller wants a read to be.
func (s *Service) demand(ctx context.Context) (store.Consistency, error) {
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok { // not called from outside
		return store.Consistency{}, nil
	}
	return consistency.New(s.Tokens).Demand(call.RequestHeader())
}
