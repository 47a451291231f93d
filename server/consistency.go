package server

import (
	"context"

	"connectrpc.com/connect"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/consistency"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// positions tells how far the shard of a slot has come.
type positions interface {
	Position(ctx context.Context, slot id.Slot) store.Position
}

// withTokens puts the token of a change into its answer, as a header: whoever reads at least as
// fresh sees the change.
func withTokens(p positions, tokens *consistency.Tokens) connect.HandlerOption {
	return connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			res, err := next(ctx, req)
			if err != nil || req.Spec().IdempotencyLevel == connect.IdempotencyNoSideEffects {
				return res, err
			}
			if slot, ok := slotOfAnswer(res.Any()); ok {
				interceptors.AnswerHeader(ctx).Set(consistency.TokenHeader, tokens.Make(p.Position(ctx, slot)))
			}
			return res, nil
		}
	}))
}

// slotOfAnswer finds the slot of what a change has changed: its order, or its return.
func slotOfAnswer(answer any) (id.Slot, bool) {
	switch a := answer.(type) {
	case interface{ GetOrder() *ordersv1.Order }:
		orderID, err := order.ParseID(a.GetOrder().GetId())
		return orderID.Slot(), err == nil
	case interface{ GetReturn() *ordersv1.Return }:
		returnID, err := order.ParseReturnID(a.GetReturn().GetId())
		return returnID.Slot(), err == nil
	}
	return 0, false
}
