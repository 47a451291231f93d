//go:build !race

package interceptors

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

// TestChain_turnedAwayAllocations holds what a call costs that there is no place for: under overload they are most.
func TestChain_turnedAwayAllocations(t *testing.T) {
	turnAway := fullHouse(t)
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		if !turnAway("application/proto") {
			t.Fatal("there is a place")
		}
	}), 53.0)
}

// TestChain_allocations holds the calls that come most often to a budget: what a call allocates, from its
// request to its answer, decides how much a busy server collects garbage. The budgets are a tenth above
// what was measured; the request and the recorder of the test itself are in them.
func TestChain_allocations(t *testing.T) {
	create := validCreate()
	for len(create.GetOrder().GetLines()) < 3 {
		create.Order.Lines = append(create.Order.Lines, create.Order.Lines[0])
	}
	chain := busyChain(t, roomy)
	_, handler := ordersv1connect.NewOrderServiceHandler(&orders{}, chain.HandlerOptions()...)
	for _, c := range []struct {
		procedure string
		request   proto.Message
		most      float64
	}{
		{ordersv1connect.OrderServiceCreateOrderProcedure, create, 111},
		{ordersv1connect.OrderServiceGetOrderProcedure, &ordersv1.GetOrderRequest{OrderId: orderID}, 97},
	} {
		t.Run(c.procedure, func(t *testing.T) {
			body, err := proto.Marshal(c.request)
			require.NoError(t, err)
			edge := chain.Edge(handler, Procedure{Path: c.procedure})
			allocated := testing.AllocsPerRun(200, func() {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.procedure, bytes.NewReader(body))
				req.Header.Set("Content-Type", "application/proto")
				w := httptest.NewRecorder()
				edge.ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					t.Fatal(w.Code, w.Body.String())
				}
			})
			require.LessOrEqual(t, allocated, c.most)
		})
	}
}
