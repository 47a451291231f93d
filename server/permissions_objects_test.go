package server_test

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	paymentsv1 "github.com/orderprocessing/orderprocessing/gen/payments/v1"
)

func (e *examples) requestID() string {
	e.made++
	return fmt.Sprint("example-", e.made)
}

func (e *examples) order(draft bool) *ordersv1.Order {
	e.t.Helper()
	return create(e.t, e.s, &ordersv1.CreateOrderRequest{Order: cart(owner.CustomerID), Draft: draft, RequestId: e.requestID()})
}

func (e *examples) hold() *inventoryv1.HoldStockRequest {
	return &inventoryv1.HoldStockRequest{
		OrderId: newOrderID(), ExpireTime: timestamppb.New(time.Now().Add(time.Hour)), Demands: []*inventoryv1.Demand{{Sku: "A", Quantity: 1}},
	}
}

// held gives an order that holds stock.
func (e *examples) held() string {
	e.t.Helper()
	hold := e.hold()
	_, err := e.s.Inventory.HoldStock(e.t.Context(), hold)
	require.NoError(e.t, err)
	return hold.GetOrderId()
}

func (e *examples) authorize() *paymentsv1.AuthorizePaymentRequest {
	e.t.Helper()
	o := e.order(false)
	return &paymentsv1.AuthorizePaymentRequest{OrderId: o.GetId(), AmountMinor: o.GetTotalMinor(), PaymentMethod: "tok_ok", RequestId: e.requestID()}
}

// paid gives an authorized payment.
func (e *examples) paid() string {
	e.t.Helper()
	authorized, err := e.s.Payments.AuthorizePayment(e.t.Context(), e.authorize())
	require.NoError(e.t, err)
	return authorized.GetPayment().GetId()
}

// stock puts a product on the shelf.
func (e *examples) stock(sku string) {
	e.t.Helper()
	_, err := e.s.Inventory.UpsertProduct(e.t.Context(), &inventoryv1.UpsertProductRequest{
		Product: &inventoryv1.Product{Sku: sku, CurrencyCode: "GBP"}, RequestId: e.requestID(),
	})
	require.NoError(e.t, err)
	_, err = e.s.Inventory.AdjustStock(e.t.Context(), &inventoryv1.AdjustStockRequest{
		Sku: sku, Delta: 10_000, Reason: inventoryv1.AdjustmentReason_ADJUSTMENT_REASON_RECEIVED, RequestId: e.requestID(),
	})
	require.NoError(e.t, err)
}

// importRequest asks for an order of the owner from another shop. It is confirmed at once, and no saga
// runs for it, so that what an example does with it is alone with it.
func importRequest(number string) *ordersv1.ImportOrdersRequest {
	return &ordersv1.ImportOrdersRequest{Source: "old-shop", Documents: []*ordersv1.ImportDocument{{
		Document: &ordersv1.ImportDocument_Order{Order: &ordersv1.ImportedOrder{Order: &ordersv1.Order{
			CustomerId: owner.CustomerID, Number: number, CurrencyCode: "GBP", CreateTime: timestamppb.New(time.Unix(1_700_000_000, 0)),
			Lines: []*ordersv1.Line{{Sku: "A", Quantity: 1, UnitPriceMinor: 255}},
		}}},
	}}}
}

// confirmed gives an order of the owner that can be shipped.
func (e *examples) confirmed() string {
	e.t.Helper()
	stream, err := e.s.Orders.ImportOrders(e.t.Context())
	require.NoError(e.t, err)
	require.NoError(e.t, stream.Send(importRequest(e.requestID())))
	answer, err := stream.Receive()
	require.NoError(e.t, err)
	require.NoError(e.t, stream.CloseRequest())
	require.NoError(e.t, stream.CloseResponse())
	require.Len(e.t, answer.GetOutcomes(), 1)
	require.NotEmpty(e.t, answer.GetOutcomes()[0].GetId(), "%v", answer)
	return answer.GetOutcomes()[0].GetId()
}

// parcel gives one that has not left.
func (e *examples) parcel() string {
	e.t.Helper()
	created, err := e.s.Shipments.CreateShipment(e.t.Context(), &ordersv1.CreateShipmentRequest{OrderId: e.confirmed(), RequestId: e.requestID()})
	require.NoError(e.t, err)
	return created.GetShipment().GetId()
}

// shipped gives a parcel that is on its way.
func (e *examples) shipped() string {
	e.t.Helper()
	shipmentID := e.parcel()
	_, err := e.s.Shipments.ShipShipment(e.t.Context(), &ordersv1.ShipShipmentRequest{ShipmentId: shipmentID, RequestId: e.requestID()})
	require.NoError(e.t, err)
	return shipmentID
}

func (e *examples) giveBack() *ordersv1.RequestReturnRequest {
	e.t.Helper()
	return &ordersv1.RequestReturnRequest{
		OrderId: e.confirmed(), Lines: []*ordersv1.ShipmentLine{{Position: 1, Quantity: 1}}, RequestId: e.requestID(),
	}
}

// returned gives a return of the owner that nobody has decided on.
func (e *examples) returned() string {
	e.t.Helper()
	requested, err := e.s.Returns.RequestReturn(e.t.Context(), e.giveBack())
	require.NoError(e.t, err)
	return requested.GetReturn().GetId()
}

// approved gives a return whose goods may come.
func (e *examples) approved() string {
	e.t.Helper()
	returnID := e.returned()
	_, err := e.s.Returns.ApproveReturn(e.t.Context(), &ordersv1.ApproveReturnRequest{ReturnId: returnID, RequestId: e.requestID()})
	require.NoError(e.t, err)
	return returnID
}

// received gives a return whose goods have come.
func (e *examples) received() string {
	e.t.Helper()
	returnID := e.approved()
	_, err := e.s.Returns.ReceiveReturn(e.t.Context(), &ordersv1.ReceiveReturnRequest{ReturnId: returnID, RequestId: e.requestID()})
	require.NoError(e.t, err)
	return returnID
}

// wish is to set money aside for an order, from its saga.
func (e *examples) wish() *paymentsv1.OrderAuthorization {
	return &paymentsv1.OrderAuthorization{
		OrderId: e.order(false).GetId(), CustomerId: owner.CustomerID, CurrencyCode: "GBP", AmountMinor: 100,
		PaymentMethod: "tok_ok", Key: e.requestID(),
	}
}

func (e *examples) occasion() *paymentsv1.Occasion { return &paymentsv1.Occasion{Name: e.requestID()} }
