package orders_test

import (
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	unknownOrder    = "ord_01h455vb4pex5vsknk08000000"
	cardNumber      = "4242424242424242"
	invalidArgument = connect.CodeInvalidArgument
	precondition    = connect.CodeFailedPrecondition
)

func TestPlaceOrder(t *testing.T) {
	t.Run("the token that pays for an order is kept and never shown", func(t *testing.T) {
		s := newShop(t)
		created := twice(t, s.orders.CreateOrder, &ordersv1.CreateOrderRequest{Order: cart(), PaymentMethod: "tok_secret", RequestId: "new"})
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_PENDING, created.GetOrder().GetLifecycle())
		require.NotContains(t, created.String(), "tok_secret")
		require.Equal(t, "tok_secret", s.stored(created.GetOrder().GetId()).PaymentMethod)
	})
	t.Run("an order that waits for its customer goes on, paid as before or in another way", func(t *testing.T) {
		s := newShop(t)
		o := s.happen(s.place(), order.ActionAsked{Reason: "AUTHENTICATION_REQUIRED", URL: "https://bank.example/1"})
		waiting, err := s.orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: o.ID.String()})
		require.NoError(t, err)
		require.Equal(t, "AUTHENTICATION_REQUIRED", waiting.GetOrder().GetStatusReason())
		require.Equal(t, "https://bank.example/1", waiting.GetOrder().GetActionUrl())

		again := twice(t, s.orders.PlaceOrder, &ordersv1.PlaceOrderRequest{OrderId: o.ID.String(), RequestId: "again"})
		require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_PENDING, again.GetOrder().GetLifecycle())
		require.Empty(t, again.GetOrder().GetStatusReason()+again.GetOrder().GetActionUrl())
		require.Equal(t, "tok_ok", s.stored(o.ID.String()).PaymentMethod)

		s.happen(o, order.ActionAsked{Reason: "CARD_DECLINED"})
		twice(t, s.orders.PlaceOrder, &ordersv1.PlaceOrderRequest{OrderId: o.ID.String(), RequestId: "other", PaymentMethod: "tok_other"})
		require.Equal(t, "tok_other", s.stored(o.ID.String()).PaymentMethod)
		require.Equal(t, 2, s.stored(o.ID.String()).Placements, "proving who they are places nothing anew")
	})
	t.Run("what is wrong is refused and changes nothing", func(t *testing.T) {
		s := newShop(t)
		o := s.happen(s.place(), order.ActionAsked{Reason: "CARD_DECLINED"})
		canceled := s.happen(s.place(), order.CancelRequested{})
		for name, c := range map[string]struct {
			change func(*ordersv1.PlaceOrderRequest)
			code   connect.Code
			reason fault.Reason
		}{
			"a card number":         {func(r *ordersv1.PlaceOrderRequest) { r.PaymentMethod = cardNumber }, invalidArgument, fault.ReasonCardNumberRefused},
			"another total":         {func(r *ordersv1.PlaceOrderRequest) { r.ExpectedTotalMinor = proto.Int64(1) }, precondition, fault.ReasonTotalMismatch},
			"a stale etag":          {func(r *ordersv1.PlaceOrderRequest) { r.Etag = "1" }, connect.CodeAborted, fault.ReasonStaleEtag},
			"an unknown order":      {func(r *ordersv1.PlaceOrderRequest) { r.OrderId = unknownOrder }, connect.CodeNotFound, fault.ReasonOrderNotFound},
			"an order being undone": {func(r *ordersv1.PlaceOrderRequest) { r.OrderId = canceled.ID.String() }, precondition, fault.ReasonTransitionRefused},
		} {
			req := &ordersv1.PlaceOrderRequest{OrderId: o.ID.String(), RequestId: "r", PaymentMethod: "tok_new"}
			c.change(req)
			_, err := s.orders.PlaceOrder(t.Context(), req)
			t.Log(name)
			requireRefused(t, c.code, c.reason, err)
		}
		s.requireSame(o)
		s.requireSame(canceled)
		_, err := s.orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{Order: cart(), PaymentMethod: cardNumber, RequestId: "card"})
		requireRefused(t, invalidArgument, fault.ReasonCardNumberRefused, err)
	})
}

func TestUpdateOrder(t *testing.T) {
	update := func(s *shop, o order.Order, path string) (*ordersv1.UpdateOrderResponse, error) {
		amended := cart()
		amended.Id, amended.Note, amended.Lines = o.ID.String(), "ring twice", amended.GetLines()[:1]
		return s.orders.UpdateOrder(t.Context(), &ordersv1.UpdateOrderRequest{
			Order: amended, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}}, RequestId: "edit/" + path,
		})
	}
	t.Run("an order that waits for its customer may change in its lines", func(t *testing.T) {
		s := newShop(t)
		o := s.happen(s.place(), order.ActionAsked{Reason: "OUT_OF_STOCK"})
		edited, err := update(s, o, "lines")
		require.NoError(t, err)
		require.EqualValues(t, 1000+95, edited.GetOrder().GetTotalMinor())
	})
	t.Run("a confirmed order keeps its lines until what is asked for can be had", func(t *testing.T) {
		s := newShop(t)
		o := s.confirmed()
		edited, err := update(s, o, "lines")
		require.NoError(t, err)
		total, err := o.Total()
		require.NoError(t, err)
		require.EqualValues(t, total, edited.GetOrder().GetTotalMinor())
		require.Len(t, edited.GetOrder().GetAmendment().GetLines(), 1)
	})
	t.Run("a confirmed order may change in its note, until a part of it has left", func(t *testing.T) {
		s := newShop(t)
		o := s.confirmed()
		edited, err := update(s, o, "note")
		require.NoError(t, err)
		require.Equal(t, "ring twice", edited.GetOrder().GetNote())
		shipped := s.confirmed()
		s.ship(s.parcel(shipped, &ordersv1.ShipmentLine{Position: 1, Quantity: 1}))
		_, err = update(s, shipped, "note")
		requireRefused(t, precondition, fault.ReasonTransitionRefused, err)
	})
}

func TestCancelOrder(t *testing.T) {
	t.Run("an order is being undone until its stock and money are let go", func(t *testing.T) {
		s := newShop(t)
		for _, o := range []order.Order{s.place(), s.confirmed()} {
			req := &ordersv1.CancelOrderRequest{OrderId: o.ID.String(), RequestId: "cancel", Etag: o.Etag(), Reason: "too late"}
			canceled := twice(t, s.orders.CancelOrder, req)
			require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_CANCELING, canceled.GetOrder().GetLifecycle())
			require.Equal(t, "too late", canceled.GetOrder().GetCancelReason())
			again, err := s.orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: o.ID.String(), RequestId: "again"})
			require.NoError(t, err)
			require.Equal(t, canceled.GetOrder().GetEtag(), again.GetOrder().GetEtag())
		}
	})
	t.Run("parcels that are planned are given up with the order", func(t *testing.T) {
		s := newShop(t)
		o := s.confirmed()
		s.parcel(o)
		canceled, err := s.orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: o.ID.String(), RequestId: "cancel"})
		require.NoError(t, err)
		require.Equal(t, ordersv1.ShipmentState_SHIPMENT_STATE_CANCELED, canceled.GetOrder().GetShipments()[0].GetState())
	})
	t.Run("an order of which a part has left, a draft and an unknown one are refused", func(t *testing.T) {
		s := newShop(t)
		shipped := s.confirmed()
		s.ship(s.parcel(shipped, &ordersv1.ShipmentLine{Position: 1, Quantity: 1}))
		shipped = s.stored(shipped.ID.String())
		cancel := func(orderID, etag string) error {
			_, err := s.orders.CancelOrder(t.Context(), &ordersv1.CancelOrderRequest{OrderId: orderID, Etag: etag, RequestId: "cancel"})
			return err
		}
		requireRefused(t, connect.CodeAborted, fault.ReasonStaleEtag, cancel(shipped.ID.String(), "1"))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, cancel(shipped.ID.String(), ""))
		requireRefused(t, connect.CodeNotFound, fault.ReasonOrderNotFound, cancel(unknownOrder, ""))
		s.requireSame(shipped)
	})
}

func TestHoldOrder(t *testing.T) {
	t.Run("an order is kept from going on, and goes on from where it was", func(t *testing.T) {
		s := newShop(t)
		for _, o := range []order.Order{s.place(), s.confirmed()} {
			held := twice(t, s.orders.HoldOrder, &ordersv1.HoldOrderRequest{
				OrderId: o.ID.String(), RequestId: "hold", Etag: o.Etag(), Reason: "call the customer",
			})
			require.Equal(t, ordersv1.Lifecycle_LIFECYCLE_ON_HOLD, held.GetOrder().GetLifecycle())
			require.Equal(t, "call the customer", held.GetOrder().GetStatusReason())
			_, err := s.shipments.CreateShipment(t.Context(), &ordersv1.CreateShipmentRequest{OrderId: o.ID.String(), RequestId: "parcel"})
			requireRefused(t, precondition, fault.ReasonTransitionRefused, err)

			resumed := twice(t, s.orders.ResumeOrder, &ordersv1.ResumeOrderRequest{
				OrderId: o.ID.String(), RequestId: "resume", Etag: held.GetOrder().GetEtag(),
			})
			require.EqualValues(t, o.Lifecycle, resumed.GetOrder().GetLifecycle())
			require.Empty(t, resumed.GetOrder().GetStatusReason())
		}
	})
	t.Run("what is wrong is refused and changes nothing", func(t *testing.T) {
		s := newShop(t)
		o, canceled := s.place(), s.happen(s.place(), order.CancelRequested{})
		hold := func(orderID, etag, reason string) error {
			_, err := s.orders.HoldOrder(t.Context(), &ordersv1.HoldOrderRequest{OrderId: orderID, Etag: etag, Reason: reason, RequestId: "hold"})
			return err
		}
		resume := func(orderID, etag string) error {
			_, err := s.orders.ResumeOrder(t.Context(), &ordersv1.ResumeOrderRequest{OrderId: orderID, Etag: etag, RequestId: "resume"})
			return err
		}
		requireRefused(t, invalidArgument, fault.ReasonInvalidRequest, hold(o.ID.String(), "", ""))
		requireRefused(t, invalidArgument, fault.ReasonCardNumberRefused, hold(o.ID.String(), "", cardNumber))
		requireRefused(t, connect.CodeAborted, fault.ReasonStaleEtag, hold(o.ID.String(), "7", "why"))
		requireRefused(t, connect.CodeNotFound, fault.ReasonOrderNotFound, hold(unknownOrder, "", "why"))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, hold(canceled.ID.String(), "", "why"))
		requireRefused(t, connect.CodeAborted, fault.ReasonStaleEtag, resume(o.ID.String(), "7"))
		requireRefused(t, connect.CodeNotFound, fault.ReasonOrderNotFound, resume(unknownOrder, ""))
		requireRefused(t, precondition, fault.ReasonTransitionRefused, resume(canceled.ID.String(), ""))
		require.NoError(t, resume(o.ID.String(), ""), "an order that goes on goes on")
		s.requireSame(o)
		s.requireSame(canceled)
	})
	t.Run("another request with the same id is refused", func(t *testing.T) {
		s := newShop(t)
		req := &ordersv1.HoldOrderRequest{OrderId: s.place().ID.String(), RequestId: "hold", Reason: "one"}
		twice(t, s.orders.HoldOrder, req)
		req.Reason = "two"
		_, err := s.orders.HoldOrder(t.Context(), req)
		requireRefused(t, connect.CodeAlreadyExists, fault.ReasonRequestIDReused, err)
	})
}

func TestGetRiskAssessment(t *testing.T) {
	s := newShop(t)
	get := func(orderID string) (*ordersv1.RiskAssessment, error) {
		res, err := s.orders.GetRiskAssessment(t.Context(), &ordersv1.GetRiskAssessmentRequest{OrderId: orderID})
		return res.GetAssessment(), err
	}
	t.Run("what was odd is told", func(t *testing.T) {
		o := s.place()
		_, err := s.store.SaveAssessment(t.Context(), risk.Assessment{
			OrderID: o.ID, Score: 70, Outcome: risk.Hold, Created: o.Created,
			Reasons: []risk.Reason{{Rule: "VELOCITY", Points: 50, Explanation: "9 orders in an hour"}, {Rule: "AMOUNT", Points: 20, Explanation: "more than usual"}},
		})
		require.NoError(t, err)
		a, err := get(o.ID.String())
		require.NoError(t, err)
		require.EqualValues(t, 70, a.GetScore())
		require.Equal(t, ordersv1.RiskOutcome_RISK_OUTCOME_HOLD, a.GetOutcome())
		require.Equal(t, "VELOCITY", a.GetReasons()[0].GetRule())
		require.EqualValues(t, 20, a.GetReasons()[1].GetPoints())
		require.True(t, o.Created.Equal(a.GetCreateTime().AsTime()))
	})
	t.Run("an order with nothing odd has a score of 0", func(t *testing.T) {
		a, err := get(s.place().ID.String())
		require.NoError(t, err)
		require.Zero(t, a.GetScore())
		require.Empty(t, a.GetReasons())
		require.Nil(t, a.GetCreateTime())
	})
	t.Run("an unknown order is refused", func(t *testing.T) {
		_, err := get(unknownOrder)
		requireRefused(t, connect.CodeNotFound, fault.ReasonOrderNotFound, err)
	})
}
