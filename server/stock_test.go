package server_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// stocked puts a product with so many units on the shelf.
func stocked(t *testing.T, s *servertest.Server, sku string, onHand, backorders int64) {
	t.Helper()
	_, err := s.Inventory.UpsertProduct(t.Context(), &inventoryv1.UpsertProductRequest{
		Product:   &inventoryv1.Product{Sku: sku, CurrencyCode: "GBP", BackorderLimit: backorders},
		RequestId: "put",
	})
	require.NoError(t, err)
	_, err = s.Inventory.AdjustStock(t.Context(), &inventoryv1.AdjustStockRequest{
		Sku: sku, Delta: onHand, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED, RequestId: "in",
	})
	require.NoError(t, err)
}

func requireStock(t *testing.T, s *servertest.Server, sku string, onHand, held, available int64) {
	t.Helper()
	got, err := s.Inventory.GetStock(t.Context(), &inventoryv1.GetStockRequest{Sku: sku})
	require.NoError(t, err)
	l := got.GetLevel()
	require.Equal(t, [3]int64{onHand, held, available}, [3]int64{l.GetOnHand(), l.GetHeld(), l.GetAvailable()})
}

func newOrderID() string { return order.NewID(time.Now(), "cus_1", "").String() }

func TestHoldStock(t *testing.T) {
	s := servertest.Start(t)
	expires := timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Microsecond))
	stocked(t, s, "A", 5, 2)

	t.Run("stock is held, committed and released", func(t *testing.T) {
		orderID := newOrderID()
		for sku, want := range map[string]*inventoryv1.Hold{
			"none": {OrderId: orderID, Sku: "none", Quantity: 4, State: inventoryv1.HoldState_HOLD_STATE_UNAVAILABLE},
			"A":    {OrderId: orderID, Sku: "A", Quantity: 4, State: inventoryv1.HoldState_HOLD_STATE_HELD, ExpireTime: expires},
		} {
			held, err := s.Inventory.HoldStock(t.Context(), &inventoryv1.HoldStockRequest{
				OrderId: orderID, ExpireTime: expires, Demands: []*inventoryv1.Demand{{Sku: sku, Quantity: 4}},
			})
			require.NoError(t, err)
			require.Empty(t, cmp.Diff([]*inventoryv1.Hold{want}, held.GetHolds(), protocmp.Transform()))
		}
		requireStock(t, s, "A", 5, 4, 3)
		for range 2 {
			left, err := s.Inventory.CommitStock(t.Context(), &inventoryv1.CommitStockRequest{
				OrderId: orderID, RequestId: "shipment", Demands: []*inventoryv1.Demand{{Sku: "A", Quantity: 3}},
			})
			require.NoError(t, err)
			require.EqualValues(t, 3, left.GetHolds()[0].GetCommittedQuantity())
			requireStock(t, s, "A", 2, 1, 3)
		}
		released, err := s.Inventory.ReleaseStock(t.Context(), &inventoryv1.ReleaseStockRequest{OrderId: orderID, Skus: []string{"A"}})
		require.NoError(t, err)
		require.Equal(t, inventoryv1.HoldState_HOLD_STATE_RELEASED, released.GetHolds()[0].GetState())
		requireStock(t, s, "A", 2, 0, 4)
	})
	t.Run("beyond what is on hand stock is backordered up to the limit, which then cannot sink", func(t *testing.T) {
		stocked(t, s, "B", 1, 5)
		held, err := s.Inventory.HoldStock(t.Context(), &inventoryv1.HoldStockRequest{
			OrderId: newOrderID(), Demands: []*inventoryv1.Demand{{Sku: "B", Quantity: 6}},
		})
		require.NoError(t, err)
		require.Equal(t, inventoryv1.HoldState_HOLD_STATE_BACKORDERED, held.GetHolds()[0].GetState())
		_, err = s.Inventory.UpsertProduct(t.Context(), &inventoryv1.UpsertProductRequest{
			Product: &inventoryv1.Product{Sku: "B", CurrencyCode: "GBP", BackorderLimit: 4}, RequestId: "sink",
		})
		require.Equal(t, fault.ReasonBackordersPromised, reasonOf(t, err))
	})
	t.Run("sixty-four buyers of fifty units get fifty", func(t *testing.T) {
		stocked(t, s, "hot", 50, 0)
		states := make([]inventoryv1.HoldState, 64)
		var buyers sync.WaitGroup
		for i := range states {
			buyers.Go(func() {
				got, err := s.Inventory.HoldStock(t.Context(), &inventoryv1.HoldStockRequest{
					OrderId: newOrderID(), Demands: []*inventoryv1.Demand{{Sku: "hot", Quantity: 1}},
				})
				if err != nil {
					t.Error(err)
					return
				}
				states[i] = got.GetHolds()[0].GetState()
			})
		}
		buyers.Wait()
		got := map[inventoryv1.HoldState]int{}
		for _, state := range states {
			got[state]++
		}
		require.Equal(t, map[inventoryv1.HoldState]int{
			inventoryv1.HoldState_HOLD_STATE_HELD: 50, inventoryv1.HoldState_HOLD_STATE_UNAVAILABLE: 14,
		}, got)
		requireStock(t, s, "hot", 50, 50, 0)
	})
}

func TestHoldStock_BadInput(t *testing.T) {
	s := servertest.Start(t)
	stocked(t, s, "A", 5, 0)
	holder, orderID := newOrderID(), newOrderID()
	hold := func(orderID string, expires *timestamppb.Timestamp, demands ...*inventoryv1.Demand) error {
		_, err := s.Inventory.HoldStock(t.Context(), &inventoryv1.HoldStockRequest{OrderId: orderID, Demands: demands, ExpireTime: expires})
		return err
	}
	commit := func(request, orderID string, demands ...*inventoryv1.Demand) error {
		_, err := s.Inventory.CommitStock(t.Context(), &inventoryv1.CommitStockRequest{OrderId: orderID, Demands: demands, RequestId: request})
		return err
	}
	release := func(orderID string, skus ...string) error {
		_, err := s.Inventory.ReleaseStock(t.Context(), &inventoryv1.ReleaseStockRequest{OrderId: orderID, Skus: skus})
		return err
	}
	of := func(quantity int64) *inventoryv1.Demand { return &inventoryv1.Demand{Sku: "A", Quantity: quantity} }
	require.NoError(t, hold(holder, nil, of(3)))
	require.NoError(t, commit("once", holder, of(1)))

	for name, refused := range map[string]struct {
		err    error
		code   connect.Code
		reason fault.Reason
	}{
		"no order":                          {hold("ord_1", nil, of(1)), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"a part of an order":                {hold("ord_01hzzzzzzzfzzbzzzzzzzzzzzz", nil, of(1)), connect.CodeInvalidArgument, fault.ReasonInvalidID},
		"no demand":                         {hold(orderID, nil), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"less than nothing":                 {hold(orderID, nil, of(-1)), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"a huge quantity":                   {hold(orderID, nil, of(math.MaxInt64)), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"a SKU twice":                       {hold(orderID, nil, of(1), of(1)), connect.CodeInvalidArgument, fault.ReasonSKURepeated},
		"a SKU that is none":                {hold(orderID, nil, &inventoryv1.Demand{Sku: "A\x00", Quantity: 1}), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"a time that is none":               {hold(orderID, &timestamppb.Timestamp{Seconds: math.MaxInt64}, of(1)), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"another quantity than is held":     {hold(holder, nil, of(2)), connect.CodeAlreadyExists, fault.ReasonHoldDiffers},
		"shipping more than is held":        {commit("more", holder, of(3)), connect.CodeFailedPrecondition, fault.ReasonCommitAboveHeld},
		"shipping what another order holds": {commit("other", orderID, of(1)), connect.CodeFailedPrecondition, fault.ReasonNotHeld},
		"shipping a SKU twice":              {commit("twice", holder, of(1), of(1)), connect.CodeInvalidArgument, fault.ReasonSKURepeated},
		"another request by the same id":    {commit("once", holder, of(2)), connect.CodeAlreadyExists, fault.ReasonRequestIDReused},
		"releasing a SKU twice":             {release(holder, "A", "A"), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
		"releasing a SKU that is none":      {release(holder, "A\x00"), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
	} {
		t.Run(name+" is refused and changes nothing", func(t *testing.T) {
			require.Equal(t, refused.code, connect.CodeOf(refused.err), "%v", refused.err)
			require.Equal(t, refused.reason, reasonOf(t, refused.err), "%v", refused.err)
		})
	}
	t.Run("a release by another order lets go of nothing", func(t *testing.T) {
		require.NoError(t, release(orderID, "A"))
	})
	requireStock(t, s, "A", 4, 2, 2)
}
