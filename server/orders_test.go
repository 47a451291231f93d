package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// cart is a small order of a customer.
func cart(customerID string) *ordersv1.Order {
	return &ordersv1.Order{
		CustomerId:   customerID,
		CurrencyCode: "GBP",
		Lines: []*ordersv1.Line{
			{Sku: "85123A", Quantity: 2, UnitPriceMinor: 255},
			{Sku: "71053", Quantity: 1, UnitPriceMinor: 339, DiscountMinor: 39},
		},
		ShippingMinor: 100,
	}
}

func create(t *testing.T, s *servertest.Server, req *ordersv1.CreateOrderRequest) *ordersv1.Order {
	t.Helper()
	res, err := s.Orders.CreateOrder(t.Context(), req)
	require.NoError(t, err)
	return res.GetOrder()
}

// reasonOf gives the stable reason that an error carries.
func reasonOf(t *testing.T, err error) fault.Reason {
	t.Helper()
	var coded *connect.Error
	require.ErrorAs(t, err, &coded)
	for _, detail := range coded.Details() {
		value, err := detail.Value()
		require.NoError(t, err)
		if info, ok := value.(*errdetails.ErrorInfo); ok {
			return fault.Reason(info.GetReason())
		}
	}
	return ""
}

func TestCreateOrder(t *testing.T) {
	s := servertest.Start(t)

	t.Run("a new order is pending, priced and at version 1", func(t *testing.T) {
		o := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "new"})
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_PENDING, o.GetLifecycle())
		require.EqualValues(t, 810, o.GetSubtotalMinor())
		require.EqualValues(t, 910, o.GetTotalMinor())
		require.Equal(t, "1", o.GetEtag())
		got, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: o.GetId()})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(o, got.GetOrder(), protocmp.Transform()))
	})
	t.Run("32 clients that send the same request at once make one order and get one answer", func(t *testing.T) {
		for _, customer := range []string{"cus_32", ""} {
			answers := make([]*ordersv1.CreateOrderResponse, 32)
			var clients sync.WaitGroup
			for i := range answers {
				clients.Go(func() {
					var err error
					answers[i], err = s.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart(customer), RequestId: "thirty-two"})
					require.NoError(t, err)
				})
			}
			clients.Wait()
			for _, answer := range answers {
				require.True(t, proto.Equal(answers[0], answer))
			}
		}
		list, err := s.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{Filter: &ordersv1.OrderFilter{CustomerId: "cus_32"}})
		require.NoError(t, err)
		require.Len(t, list.GetOrders(), 1)
	})
	t.Run("the same request id for another request is refused", func(t *testing.T) {
		first := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_2"), RequestId: "twice"})
		other := cart("cus_2")
		other.Note = "other"
		_, err := s.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: other, RequestId: "twice"})
		require.Equal(t, connect.CodeAlreadyExists, connect.CodeOf(err))
		require.Equal(t, fault.ReasonRequestIDReused, reasonOf(t, err))
		require.Equal(t, first.GetId(), create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_2"), RequestId: "twice"}).GetId())
	})
	t.Run("bad input has its code and reason, and nothing is stored", func(t *testing.T) {
		change := func(c func(*ordersv1.CreateOrderRequest)) *ordersv1.CreateOrderRequest {
			req := &ordersv1.CreateOrderRequest{Order: cart("cus_bad"), RequestId: "bad"}
			c(req)
			return req
		}
		many := make([]*ordersv1.Line, 10_000)
		for i := range many {
			many[i] = &ordersv1.Line{Sku: "a", Quantity: 1}
		}
		for name, c := range map[string]struct {
			req    *ordersv1.CreateOrderRequest
			code   connect.Code
			reason fault.Reason
		}{
			"no request id":     {change(func(r *ordersv1.CreateOrderRequest) { r.RequestId = "" }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"no order":          {change(func(r *ordersv1.CreateOrderRequest) { r.Order = nil }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"no lines":          {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Lines = nil }), connect.CodeInvalidArgument, fault.ReasonOrderEmpty},
			"10,000 lines":      {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Lines = many }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"negative quantity": {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Lines[0].Quantity = -1 }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"huge quantity":     {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Lines[0].Quantity = 1 << 60 }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"overflow": {change(func(r *ordersv1.CreateOrderRequest) {
				for range 20 {
					r.Order.Lines = append(r.Order.Lines, &ordersv1.Line{Sku: "a", Quantity: 1_000_000, UnitPriceMinor: 1_000_000_000_000})
				}
			}), connect.CodeInvalidArgument, fault.ReasonAmountOverflow},
			"discount above the price": {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Lines[0].DiscountMinor = 511 }), connect.CodeInvalidArgument, fault.ReasonAmountInvalid},
			"unknown currency":         {change(func(r *ordersv1.CreateOrderRequest) { r.Order.CurrencyCode = "ABC" }), connect.CodeInvalidArgument, fault.ReasonCurrencyUnknown},
			"no currency":              {change(func(r *ordersv1.CreateOrderRequest) { r.Order.CurrencyCode = "" }), connect.CodeInvalidArgument, fault.ReasonCurrencyUnknown},
			"unknown kind of line":     {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Lines[0].Kind = 77 }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"NUL":                      {change(func(r *ordersv1.CreateOrderRequest) { r.Order.Note = "a\x00b" }), connect.CodeInvalidArgument, fault.ReasonInvalidRequest},
			"total that differs": {change(func(r *ordersv1.CreateOrderRequest) {
				r.ExpectedTotalMinor = proto.Int64(909)
			}), connect.CodeFailedPrecondition, fault.ReasonTotalMismatch},
		} {
			_, err := s.Orders.CreateOrder(t.Context(), c.req)
			require.Equal(t, c.code, connect.CodeOf(err), "%s: %v", name, err)
			require.Equal(t, c.reason, reasonOf(t, err), name)
		}
		list, err := s.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{Filter: &ordersv1.OrderFilter{CustomerId: "cus_bad"}})
		require.NoError(t, err)
		require.Empty(t, list.GetOrders())
	})
}

func TestChangeOrder(t *testing.T) {
	s := servertest.Start(t)
	stocked(t, s, "85123A", 100, 0) // so that the placed order waits for a way to pay
	draft := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "draft", Draft: true})
	require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_DRAFT, draft.GetLifecycle())

	edit := &ordersv1.UpdateOrderRequest{
		Order: &ordersv1.Order{
			Id: draft.GetId(), Etag: "1", Note: "ring twice",
			Lines: []*ordersv1.Line{{Sku: "85123A", Quantity: 3, UnitPriceMinor: 255}},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines", "note"}},
		RequestId:  "edit",
	}
	edited, err := s.Orders.UpdateOrder(t.Context(), edit)
	require.NoError(t, err)
	require.EqualValues(t, 865, edited.GetOrder().GetTotalMinor())
	require.Equal(t, "2", edited.GetOrder().GetEtag())

	t.Run("a stale etag is refused", func(t *testing.T) {
		stale := proto.CloneOf(edit)
		stale.RequestId = "stale"
		_, err := s.Orders.UpdateOrder(t.Context(), stale)
		require.Equal(t, connect.CodeAborted, connect.CodeOf(err))
		require.Equal(t, fault.ReasonStaleEtag, reasonOf(t, err))
	})
	t.Run("a field that cannot be edited is refused", func(t *testing.T) {
		_, err := s.Orders.UpdateOrder(t.Context(), &ordersv1.UpdateOrderRequest{
			Order:      &ordersv1.Order{Id: draft.GetId(), CustomerId: "cus_9"},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"customer_id"}}, RequestId: "customer",
		})
		require.Equal(t, fault.ReasonFieldNotEditable, reasonOf(t, err))
	})

	placed, err := s.Orders.PlaceOrder(t.Context(), &ordersv1.PlaceOrderRequest{OrderId: draft.GetId(), RequestId: "place", ExpectedTotalMinor: proto.Int64(865)})
	require.NoError(t, err)
	require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_PENDING, placed.GetOrder().GetLifecycle())

	t.Run("a repeated edit gets its first answer although the order has moved on", func(t *testing.T) {
		again, err := s.Orders.UpdateOrder(t.Context(), edit)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(edited, again, protocmp.Transform()))
	})
	t.Run("canceling twice answers with the same order, and its events tell the story", func(t *testing.T) {
		first, err := s.Orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: draft.GetId(), RequestId: "cancel", Reason: "changed my mind"})
		require.NoError(t, err)
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_CANCELING, first.GetOrder().GetLifecycle())
		second, err := s.Orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: draft.GetId(), RequestId: "cancel-again"})
		require.NoError(t, err)
		require.Equal(t, "changed my mind", second.GetOrder().GetCancelReason())
		require.Eventually(t, func() bool {
			got, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: draft.GetId()})
			return err == nil && got.GetOrder().GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_CANCELED
		}, time.Minute, 20*time.Millisecond)
		var told []string
		req := &ordersv1.ListOrderEventsRequest{OrderId: draft.GetId(), PageSize: 2}
		for {
			page, err := s.Orders.ListOrderEvents(t.Context(), req)
			require.NoError(t, err)
			for _, e := range page.GetEvents() {
				require.EqualValues(t, len(told)+1, e.GetSequence())
				told = append(told, string(e.ProtoReflect().WhichOneof(e.ProtoReflect().Descriptor().Oneofs().ByName("change")).Name()))
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		require.Subset(t, told, []string{"drafted", "edited", "placed", "cancel_requested", "canceled"})
		require.Equal(t, "canceled", told[len(told)-1])
	})
	t.Run("ids of another kind and of nothing are told apart", func(t *testing.T) {
		_, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: "ret_01h455vb4pex5vsknk084sn02q"})
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
		_, err = s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: order.NewID(time.Now(), "cus_1", "").String()})
		require.Equal(t, fault.ReasonOrderNotFound, reasonOf(t, err))
	})
}

func TestWatchOrder(t *testing.T) {
	t.Run("an order is followed from placed to complete", func(t *testing.T) {
		s := servertest.Start(t)
		stocked(t, s, "85123A", 2, 0)
		stocked(t, s, "71053", 1, 0)
		o := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), PaymentMethod: "tok_ok", RequestId: "new"})
		stream, err := s.Orders.WatchOrder(t.Context(), &ordersv1.WatchOrderRequest{OrderId: o.GetId()})
		require.NoError(t, err)
		for stream.Receive() && stream.Msg().GetOrder().GetLifecycle() == ordersv1.Lifecycle_LIFECYCLE_PENDING {
		}
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED, stream.Msg().GetOrder().GetLifecycle(), "%v", stream.Err())
		planned, err := s.Shipments.CreateShipment(t.Context(), &ordersv1.CreateShipmentRequest{OrderId: o.GetId(), RequestId: "plan"})
		require.NoError(t, err)
		parcel := planned.GetShipment().GetId()
		_, err = s.Shipments.ShipShipment(t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: parcel, RequestId: "ship"})
		require.NoError(t, err)
		_, err = s.Shipments.DeliverShipment(t.Context(), &ordersv1.DeliverShipmentRequest{ShipmentId: parcel, RequestId: "deliver"})
		require.NoError(t, err)
		var last *ordersv1.Order
		for stream.Receive() {
			last = stream.Msg().GetOrder()
		}
		require.NoError(t, errors.Join(stream.Err(), stream.Close()))
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_COMPLETED, last.GetLifecycle())
		require.Equal(t, ordersv1.PaymentStatus_PAYMENT_STATUS_PAID, last.GetPaymentStatus())
		requireStock(t, s, "85123A", 0, 0, 0)
	})
	t.Run("a watch under way does not keep the server from stopping, and its caller is told", func(t *testing.T) {
		s := servertest.Start(t)
		draft := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "draft", Draft: true})
		stream, err := s.Orders.WatchOrder(t.Context(), &ordersv1.WatchOrderRequest{OrderId: draft.GetId()})
		require.NoError(t, err)
		require.True(t, stream.Receive())
		require.Empty(t, cmp.Diff(draft, stream.Msg().GetOrder(), protocmp.Transform()))
		stopped := make(chan struct{})
		go func() { defer close(stopped); s.Stop(t) }()
		require.False(t, stream.Receive())
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(stream.Err()))
		require.Equal(t, fault.ReasonShuttingDown, reasonOf(t, stream.Err()))
		<-stopped
	})
}

func TestListOrders(t *testing.T) {
	s := servertest.Start(t)
	for i := range 25 {
		create(t, s, &ordersv1.CreateOrderRequest{Order: cart(fmt.Sprintf("cus_%d", i)), RequestId: "list"})
	}
	t.Run("pages of all shards are one list, newest first, without repeats", func(t *testing.T) {
		var ids []string
		req := &ordersv1.ListOrdersRequest{PageSize: 7}
		for {
			page, err := s.Orders.ListOrders(t.Context(), req)
			require.NoError(t, err)
			for _, o := range page.GetOrders() {
				ids = append(ids, o.GetId())
			}
			if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
				break
			}
		}
		require.Len(t, ids, 25)
		for i := 1; i < len(ids); i++ {
			require.Greater(t, ids[i-1], ids[i])
		}
	})
	t.Run("a token of another list is refused", func(t *testing.T) {
		page, err := s.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{PageSize: 7})
		require.NoError(t, err)
		_, err = s.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{
			PageSize: 7, PageToken: page.GetNextPageToken(), Filter: &ordersv1.OrderFilter{CustomerId: "cus_1"},
		})
		require.Equal(t, fault.ReasonInvalidPageToken, reasonOf(t, err))
	})
}

func TestExport(t *testing.T) {
	s := servertest.Start(t)
	for i := range 3 {
		create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: fmt.Sprint(i)})
	}
	stream, err := s.Orders.ExportOrders(t.Context(), &ordersv1.ExportOrdersRequest{})
	require.NoError(t, err)
	n := 0
	for stream.Receive() {
		n += len(stream.Msg().GetOrders())
	}
	require.NoError(t, errors.Join(stream.Err(), stream.Close()))
	require.Equal(t, 3, n)
}

func TestCanceledCall(t *testing.T) {
	s := servertest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Orders.CreateOrder(ctx, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "late"})
	require.Equal(t, connect.CodeCanceled, connect.CodeOf(err))
}
